"""The views and macros of `sql/` that need nothing but the file itself, found by trying."""

import duckdb

from e2vdb.publish.columns import RENAMED
from e2vdb.publish.source import quoted
from e2vdb.query.definitions import RELATIONS, STATEMENT, definitions, questions, read_sql

MACRO, TABLE_MACRO, VIEW, TABLE = "MACRO", "MACRO TABLE", "VIEW", "TABLE"


def published_text(name: str) -> str:
    """Return one file of `sql/` with the columns' published names."""
    text = read_sql(name)
    for own, shown in RENAMED.items():
        text = text.replace(quoted(own), shown)
    return text


def make_definitions(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Make every macro and question that works on the present catalogue; return their kinds.

    A macro that calls or reads what is not there, one of our Python functions say, cannot be
    made or bound, and is left out; so is whatever is built on it. A question becomes a view, or
    a table of its answer where DuckDB does not allow a view.
    """
    made: dict[str, str] = {}
    for name in definitions():
        if name != STATEMENT and name not in RELATIONS and _try(connection, published_text(name)):
            kind = _bound_kind(connection, name)
            if kind is None:
                _drop(connection, name)
            else:
                made[name] = kind
    for name in questions():
        text = published_text(name)
        for kind in (VIEW, TABLE):
            if _try(connection, f"CREATE {kind} {name} AS\n{text}"):
                made[name] = kind
                break
    return made


def about(name: str) -> str:
    """Return the sentence with which a file of `sql/` begins."""
    return read_sql(name).splitlines()[0].removeprefix("-- ")


def _bound_kind(connection: duckdb.DuckDBPyConnection, name: str) -> str | None:
    """Return which kind of macro was made, None for a table macro that does not bind.

    A scalar macro's functions are looked up when it is made, a table macro's columns later.
    """
    found = connection.execute(
        "SELECT function_type, len(parameters) FROM duckdb_functions() "
        "WHERE function_name = $name AND database_name = current_database()",
        {"name": name},
    ).fetchall()
    if not found:
        return None
    if found[0][0] == "macro":
        return MACRO
    nulls = ", ".join(["NULL"] * found[0][1])
    return TABLE_MACRO if _try(connection, f"DESCRIBE FROM {name}({nulls})") else None


def _drop(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    _try(connection, f"DROP MACRO TABLE IF EXISTS {name}")


def _try(connection: duckdb.DuckDBPyConnection, statement: str) -> bool:
    try:
        connection.execute(statement)
    except (
        duckdb.CatalogException,
        duckdb.BinderException,
        duckdb.ParserException,
    ):
        return False
    return True
