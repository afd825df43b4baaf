"""Apache Superset: the file as a database, datasets on it, three charts and what they show."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import charts
import pytest
from asking import ENVIRONMENTS, installed
from questions import AGENTS, CLUSTERS, WEEKLY
from superset import Superset

import e2vdb


@pytest.fixture(scope="module")
def superset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    if not installed("superset"):
        pytest.skip("superset is not installed; `make test-bi` does it")
    superset = Superset(ENVIRONMENTS / "superset", tmp_path_factory.mktemp("superset"))
    yield superset
    superset.close()


@pytest.fixture(scope="module")
def file(bi, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published file, in a place where the last test publishes over it."""
    return Path(shutil.copy(bi.file, tmp_path_factory.mktemp("published") / "bi 通话.duckdb"))


@pytest.fixture(scope="module")
def database(superset: Superset, file: Path) -> int:
    return superset.add_database("calls 通话", file)


@pytest.fixture(scope="module")
def calls(superset: Superset, database: int) -> int:
    return superset.add_dataset(database, "calls")


def test_the_dataset_knows_times_types_and_comments(superset: Superset, calls: int):
    columns = superset.get(f"dataset/{calls}")["result"]["columns"]
    by_name = {column["column_name"]: column for column in columns}
    assert by_name["at_local"]["is_dttm"]
    assert by_name["negative"]["type"] == "BOOLEAN"
    assert by_name["agent"]["description"] == "Who took the call."
    assert not {column["type"] for column in columns} & {None, "NULL", "UNKNOWN"}


def test_the_weekly_trend_is_that_of_the_live_database(superset: Superset, calls: int, bi):
    rows = superset.chart_rows(charts.weekly_trend(superset, calls))
    shown = sorted((day(row["at_local"]), row["calls"], row["negative"]) for row in rows)
    expected = [tuple(row) for row in bi.live(WEEKLY.live)]
    assert len(shown) == len(expected) > 10
    for one, other in zip(shown, expected, strict=True):
        assert one == (other[0], other[1], pytest.approx(other[2], rel=1e-9))


def test_agents_by_negative_share_are_those_of_the_live_database(superset, calls, bi):
    rows = superset.chart_rows(charts.agents_by_negative_share(superset, calls))
    shown = [[row["agent"], row["calls"], row["negative"]] for row in rows]
    expected = bi.live(AGENTS.live)
    assert shown[0][0] == "赵磊"
    assert shown == [[agent, n, pytest.approx(share, rel=1e-9)] for agent, n, share in expected]


def test_cluster_shares_are_those_of_the_live_database(superset, database, bi):
    clusters = superset.add_dataset(database, "clusters")
    rows = superset.chart_rows(charts.cluster_shares(superset, clusters))
    total = sum(row["calls"] for row in rows)
    shown = [[row["cluster"], row["calls"] / total] for row in rows]
    assert shown == [[one, pytest.approx(share, rel=1e-9)] for one, share in bi.live(CLUSTERS.live)]


def test_every_table_and_view_becomes_a_dataset(superset, database, calls):
    tables = superset.get(f"database/{database}/tables/?q=(schema_name:main)")["result"]
    names = {one["value"] for one in tables}
    assert {"trend_daily_agent", "question_weeks_of_negative_calls"} <= names
    for name in names - {"calls", "clusters"}:
        dataset = superset.add_dataset(database, name)
        assert superset.get(f"dataset/{dataset}")["result"]["columns"]


def test_a_publish_shows_in_the_chart_and_waits_for_nobody(superset, calls, file, bi, tmp_path):
    chart = charts.agents_by_negative_share(superset, calls)

    def shown() -> int:
        return sum(row["calls"] for row in superset.chart_rows(chart))

    before = shown()
    address = Path(shutil.copytree(bi.address, tmp_path / "e2v.lancedb"))
    with e2vdb.connect(address) as db:
        db.publish(file, since="2024-04-01")
    assert 0 < shown() < before


def day(milliseconds: float) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d}"
