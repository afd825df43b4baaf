"""Every published table, macro and question answers what the database itself answers."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta

import duckdb
import pytest
from running import e2vdb  # noqa: F401 - the same interpreter

from e2vdb.publish.definitions import TABLE_MACRO
from e2vdb.query.definitions import questions, read_sql

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

TABLES = (
    "calls clusters cluster_centroids cluster_profiles neighbors events rejects reference_sets "
    "quality emotion_map frames trend_daily trend_daily_agent"
).split()

MACROS = {
    "agent_clusters": "'anger'",
    "agent_health": "since := '2024-02-01'",
    "agent_trend": "bucket := 'month'",
    "before_after": "'calm voices training', days := 20",
    "cluster_drift": "'all', bucket := 'month'",
    "complaint_peaks": "z := 1",
    "emotion_trend": "bucket := 'quarter'",
    "product_trend": "",
    "team_trend": "bucket := 'day'",
    "trend_by": "'product', bucket := 'week'",
}
SCALARS = {
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

Rows = list[dict[str, object]]


def ask(run: Callable[[str], duckdb.DuckDBPyRelation | None], query: str) -> Rows:
    relation = run(query)
    assert relation is not None
    names = relation.columns
    return [dict(zip(names, row, strict=True)) for row in relation.fetchall()]


def same(published: Rows, live: Rows) -> None:
    """Compare rows in whatever order; columns only published are UTC times."""
    assert len(published) == len(live) > 0
    columns = sorted(live[0])
    assert all(name.endswith("_utc") for name in set(published[0]) - set(columns))
    for one, other in zip(ordered(published, columns), ordered(live, columns), strict=True):
        for name in columns:
            assert equal(one[name], other[name]), (name, one, other)


def ordered(rows: Rows, columns: list[str]) -> Rows:
    keys = [name for name in columns if not isinstance(rows[0][name], float)]
    return sorted(rows, key=lambda row: [str(row[name]) for name in keys if plain(row[name])])


def plain(value: object) -> bool:
    return isinstance(value, str | int | bool) or value is None


def equal(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)
    if isinstance(other, datetime) and other.tzinfo is not None:
        return isinstance(one, datetime) and abs(local(other) - one) < timedelta(microseconds=1)
    return one == other


def local(moment: datetime) -> datetime:
    from zoneinfo import ZoneInfo

    from conftest_publish import ZONE

    return moment.astimezone(ZoneInfo(ZONE)).replace(tzinfo=None)
