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
    macros = [name for name in _macro_files() if _try(connection, published_text(name))]
    made: dict[str, str] = {}
    for name, kind, parameters in _macros(connection):
        nulls = ", ".join(["NULL"] * parameters)
        # A scalar macro's functions are looked up when it is made, a table macro's columns later.
        if kind == MACRO or _try(connection, f"DESCRIBE FROM {name}({nulls})"):
            made[name] = kind
    for name in macros:
        if name not in made:
            connection.execute(f"DROP MACRO TABLE {name}")
    for name in questions():
        text = published_text(name)
        for kind in (VIEW, TABLE):
            if _try(connection, f"CREATE {kind} {name} AS\n{text}"):
                made[name] = kind
                break
    return made


def make_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the macros that work on the database's own relations, to fill tables with."""
    for name in _macro_files():
        _try(connection, read_sql(name))


def _macro_files() -> list[str]:
    return [name for name in definitions() if name != STATEMENT and name not in RELATIONS]


def about(name: str) -> str:
    """Return the sentence with which a file of `sql/` begins."""
    return read_sql(name).splitlines()[0].removeprefix("-- ")


def _macros(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, int]]:
    """Return the present database's macros: name, kind, number of parameters."""
    found = connection.execute(
        "SELECT function_name, function_type, len(parameters) FROM duckdb_functions() "
        "WHERE database_name = current_database() AND NOT internal ORDER BY ALL"
    ).fetchall()
    kinds = {"macro": MACRO, "table_macro": TABLE_MACRO}
    return [(name, kinds[kind], parameters) for name, kind, parameters in found]


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
