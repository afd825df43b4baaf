"""Columns as BI tools take them: no nested types, every time in local time and in UTC."""

from collections.abc import Iterable, Mapping

import duckdb

from e2vdb.publish.source import literal, quoted

RENAMED = {"at": "at_local"}
"""`at` is a reserved word of DuckDB, and clients such as SQLAlchemy do not know to quote it."""

UTC = "_utc"
_WORDS = "VARCHAR[]"
_FLAT = {"warnings": "array_to_string({}, ', ')"}
"""Lists of plain words read better without brackets; all else that is nested becomes JSON."""


def flat(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    timezone: str,
    keep: Iterable[str] = (),
) -> str:
    """Return a SELECT list over a relation whose columns every client can show.

    Times without a zone are taken to be of `timezone`; each gets a second column `NAME_utc`.
    Nested columns become JSON text, but for those in `keep`.
    """
    found = connection.execute(f"DESCRIBE FROM {relation}").fetchall()
    return ", ".join(select_list({row[0]: row[1] for row in found}, timezone, set(keep)))


def select_list(kinds: Mapping[str, str], timezone: str, keep: set[str]) -> list[str]:
    """Return the expressions for columns by name and SQL type."""
    items = []
    for name, shown in _shown_names(kinds).items():
        kind, column = kinds[name], quoted(name)
        if kind.startswith("TIMESTAMP"):
            items += _times(column, kind, timezone, shown, f"{name}{UTC}")
        elif nested(kind) and name not in keep:
            text = _FLAT.get(name) if kind == _WORDS else None
            items.append(f"{(text or 'to_json({})::VARCHAR').format(column)} AS {quoted(shown)}")
        elif kind == "JSON":
            items.append(f"{column}::VARCHAR AS {quoted(shown)}")
        else:
            items.append(f"{column} AS {quoted(shown)}")
    return items


def _shown_names(kinds: Mapping[str, str]) -> dict[str, str]:
    """Return what each column is called; one that is in the way of ours is `metadata_NAME`."""
    ours = {RENAMED[name] for name in kinds if name in RENAMED}
    ours |= {f"{name}{UTC}".lower() for name, kind in kinds.items() if kind.startswith("TIMESTAMP")}
    taken = ours | {name.lower() for name in kinds}
    shown = {}
    for name in kinds:
        one = RENAMED.get(name, name)
        while name not in RENAMED and one.lower() in ours:
            one = f"metadata_{one}"
            if one.lower() in taken:
                ours = {*ours, one.lower()}
        taken.add(one.lower())
        shown[name] = one
    return shown


def nested(kind: str) -> bool:
    """Whether a SQL type holds other values, so that BI tools cannot show it."""
    return kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION", "VARIANT"))


def _times(column: str, kind: str, timezone: str, shown: str, utc: str) -> list[str]:
    zone = literal(timezone)
    aware = kind == "TIMESTAMP WITH TIME ZONE"
    moment = column if aware else f"{column}::TIMESTAMP AT TIME ZONE {zone}"
    local = f"{column} AT TIME ZONE {zone}" if aware else f"{column}::TIMESTAMP"
    return [
        f"{local} AS {quoted(shown)}",
        # What AT TIME ZONE 'UTC' gives, without asking the calendar for every value again.
        f"make_timestamp(epoch_us({moment})) AS {quoted(utc)}",
    ]
