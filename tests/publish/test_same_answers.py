"""Every published table, macro and question answers what the database itself answers."""

import json
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import duckdb
import pytest
from publishing import ZONE

from e2vdb.query.definitions import read_sql

LIVE = {
    "calls": 'SELECT * EXCLUDE (warnings) RENAME ("at" AS at_local), '
    "array_to_string(warnings, ', ') AS warnings FROM calls",
    "cluster_centroids": "SELECT * EXCLUDE (centroid) FROM cluster_centroids",
    "cluster_profiles": "SELECT 'all' AS name, * FROM cluster_profiles('all') "
    "UNION ALL BY NAME SELECT 'anger' AS name, * FROM cluster_profiles('anger')",
    "quality": "SELECT 'calm' AS reference, * FROM quality_check('calm') "
    "UNION ALL BY NAME SELECT 'good' AS reference, * FROM quality_check('good')",
    "frames": "SELECT * EXCLUDE (embedding, distilled) FROM frames WHERE frame_index % 25 = 0",
    "trend_daily": "FROM emotion_trend('day')",
    "trend_daily_agent": "FROM agent_trend('day')",
}
"""What a table shows, in the database's own words, where it is not the relation of that name."""

TABLES = {
    *LIVE,
    *("clusters", "neighbors", "events", "rejects", "reference_sets", "emotion_map"),
}
TABLE_MACROS = {
    "agent_clusters": "'anger'",
    "agent_health": "since := '2024-02-01'",
    "agent_trend": "bucket := 'month'",
    "before_after": "'calm voices training', days := 20",
    "cluster_drift": "'all', bucket := 'month'",
    "complaint_peaks": "bucket := 'week', z := 0",
    "emotion_trend": "bucket := 'quarter'",
    "product_trend": "",
    "team_trend": "bucket := 'day'",
    "trend_by": "'product', bucket := 'week'",
}
MACROS = {
    "bucket_start": "'week', TIMESTAMP '2024-03-14 15:00'",
    "bucket_step": "'quarter'",
    "difference_high": "3, 10, 7, 12",
    "difference_low": "3, 10, 7, 12",
    "e2v_cosine": "[1.0, 2.0], [2.0, 1.5]",
    "emotion_zh": "'angry'",
    "is_bucket": "'day'",
    "is_clustering": "'anger'",
    "two_proportion_p": "3, 10, 7, 12",
    "two_sided_p": "1.96",
    "wilson_high": "3, 10",
    "wilson_low": "3, 10",
}
Ask = Callable[[str], duckdb.DuckDBPyRelation | None]


def answer(ask: Ask, query: str) -> list[dict[str, str]]:
    relation = ask(query)
    assert relation is not None
    names = relation.columns
    return [
        {name: plain(value) for name, value in zip(names, row, strict=True)}
        for row in relation.fetchall()
    ]


def plain(value: object) -> str:
    """A value as text: times local, six digits of a number, JSON text as what it says."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        value = value.astimezone(ZoneInfo(ZONE)).replace(tzinfo=None)
    if isinstance(value, str) and value[:1] in ("[", "{"):
        value = json.loads(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(plain, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {plain(one)}' for key, one in value.items())}}}"
    return str(value)


def same(ours: list[dict[str, str]], theirs: list[dict[str, str]]) -> None:
    """Compare rows in any order; a column that only the publication has is a UTC time."""
    assert theirs
    columns = sorted(theirs[0])
    assert all(name.endswith("_utc") for name in ours[0].keys() - set(columns))
    assert rows(ours, columns) == rows(theirs, columns)


def rows(found: list[dict[str, str]], columns: list[str]) -> list[list[str]]:
    return sorted([row[name] for name in columns] for row in found)


@pytest.mark.parametrize("name", sorted(TABLES))
def test_tables(bi, live, name: str) -> None:
    same(answer(bi.sql, f"FROM {name}"), answer(live.sql, LIVE.get(name, f"FROM {name}")))


@pytest.mark.parametrize("name", TABLE_MACROS)
def test_table_macros(bi, live, name: str) -> None:
    query = f"FROM {name}({TABLE_MACROS[name]})"
    same(answer(bi.sql, query), answer(live.sql, query))


@pytest.mark.parametrize("name", MACROS)
def test_scalar_macros(bi, live, name: str) -> None:
    query = f"SELECT {name}({MACROS[name]}) AS answer"
    same(answer(bi.sql, query), answer(live.sql, query))


def test_questions(bi, live) -> None:
    names = listed(bi, "SELECT table_name FROM information_schema.tables") - TABLES
    names -= {"meta", "meta_tables"}
    assert len(names) == 12
    for name in names:
        same(answer(bi.sql, f"FROM {name}"), answer(live.sql, read_sql(name)))


def test_nothing_published_is_left_out_here(bi) -> None:
    mine = "FROM duckdb_functions() WHERE database_name = current_database()"
    assert listed(bi, f"SELECT function_name {mine}") == {*TABLE_MACROS, *MACROS}
    tables = listed(bi, "SELECT table_name FROM meta_tables")
    assert tables == TABLES


def listed(bi: duckdb.DuckDBPyConnection, query: str) -> set[str]:
    return {name for (name,) in bi.execute(query).fetchall()}
