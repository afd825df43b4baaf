"""What there is to ask: relations, columns, functions, for the shell and the documentation."""

import re
from collections.abc import Callable

import duckdb

from e2vdb.query.definitions import RELATIONS, definitions, read_sql
from e2vdb.query.functions import FUNCTIONS

Ask = Callable[[str], duckdb.DuckDBPyRelation | None]

KEYWORDS = tuple(
    "SELECT FROM WHERE GROUP BY ALL ORDER DESC LIMIT JOIN LEFT USING ON AS AND OR NOT NULL IS "  # noqa: SIM905
    "IN LIKE BETWEEN CASE WHEN THEN ELSE END DISTINCT HAVING QUALIFY UNION WITH OVER "
    "PARTITION FILTER".split()
)
_MACRO = re.compile(r"CREATE OR REPLACE MACRO\s+(\w+)\s*(\([^)]*\))", re.IGNORECASE)


def relations(ask: Ask) -> list[tuple[str, str]]:
    """Return every public table and view with what it holds."""
    found = _rows(ask, "SELECT table_name FROM information_schema.tables ORDER BY table_name")
    names = [name for (name,) in found if not name.startswith("_")]
    known = [name for name in RELATIONS if name in names]
    others = [name for name in names if name not in RELATIONS]
    return [(name, RELATIONS.get(name, "")) for name in (*known, *others)]


def columns(ask: Ask, relation: str) -> list[tuple[str, str]]:
    """Return a relation's columns and their SQL types."""
    quoted = '"' + relation.replace('"', '""') + '"'
    return [(name, kind) for name, kind, *_ in _rows(ask, f"DESCRIBE {quoted}")]


def functions() -> list[tuple[str, str]]:
    """Return every function and macro with its signature or description."""
    found = [(name, about) for name, about in FUNCTIONS.items()]
    for name in definitions():
        text = read_sql(name)
        about = text.splitlines()[0].removeprefix("-- ")
        found += [(macro, about) for macro, _ in _MACRO.findall(text)]
    return found


def completions(ask: Ask) -> list[str]:
    """Return the words that a prompt completes."""
    names = [name for name, _ in relations(ask)]
    words = {column for name in names for column, _ in columns(ask, name)}
    return [*KEYWORDS, *names, *sorted(words), *[name for name, _ in functions()]]


def _rows(ask: Ask, query: str) -> list[tuple[str, ...]]:
    relation = ask(query)
    return relation.fetchall() if relation is not None else []
