"""Trends: every bucket is there, and says what the same question in pandas says."""

import itertools

import duckdb
import numpy as np
import pandas as pd
import pytest
from conftest_analysis import rows_of
from scipy import stats

BUCKETS = {"hour": "h", "day": "D", "week": "W-SUN", "month": "M", "quarter": "Q"}


@pytest.fixture(scope="module")
def calls(db) -> pd.DataFrame:
    return db.sql('SELECT *, "at" AS moment FROM calls WHERE "at" IS NOT NULL').df()


@pytest.mark.parametrize("bucket", BUCKETS)
def test_emotion_trend_agrees_with_pandas(db, calls, bucket) -> None:
    found = db.sql("FROM emotion_trend($bucket)", {"bucket": bucket}).df().set_index("bucket")
    by = calls.groupby(calls["moment"].dt.to_period(BUCKETS[bucket]).dt.start_time)
    sizes = by.size()
    assert found["calls"].sum() == len(calls)
    filled = found[found["calls"] > 0]
    assert list(filled.index) == list(sizes.index)
    assert list(filled["calls"]) == list(sizes)
    known = by["emotion"].count()
    angry = by["emotion"].apply(lambda one: (one == "angry").sum()) / known.where(known > 0)
    np.testing.assert_allclose(filled["angry_share"], angry, equal_nan=True)
    np.testing.assert_allclose(filled["sad_score"], by["sad"].mean(), rtol=1e-5, equal_nan=True)


def test_empty_buckets_are_rows_of_zero_calls(db) -> None:
    days = rows_of(db, "FROM emotion_trend('day')")
    steps = {b["bucket"] - a["bucket"] for a, b in itertools.pairwise(days)}
    assert steps == {pd.Timedelta(days=1)}
    sunday = next(day for day in days if day["bucket"] == pd.Timestamp("2024-03-10"))
    assert (sunday["calls"], sunday["negative_share"], sunday["negative_low"]) == (0, None, None)


def test_each_agent_has_every_bucket(db) -> None:
    found = db.sql("FROM agent_trend('week')").df()
    assert found.groupby("agent")["bucket"].nunique().unique().tolist() == [26]
    one = db.sql("FROM agent_trend('week', agent := '赵磊')").df()
    pd.testing.assert_frame_equal(
        one, found[found["agent"] == "赵磊"].reset_index(drop=True), check_exact=False
    )


@pytest.mark.parametrize("member", ["product", "team"])
def test_products_and_teams_add_up(db, member) -> None:
    found = rows_of(
        db, f"SELECT {member}, sum(calls) AS n FROM {member}_trend('month') GROUP BY ALL"
    )
    query = f"SELECT {member}, count(*) AS n FROM calls WHERE {member} IS NOT NULL GROUP BY ALL"
    expected = {row[member]: row["n"] for row in rows_of(db, query)}
    assert {row[member]: row["n"] for row in found} == expected


def test_change_and_interval(db) -> None:
    weeks = rows_of(db, "FROM emotion_trend()")
    assert weeks[0]["negative_change"] is None
    for before, here in itertools.pairwise(weeks):
        change = here["negative_share"] - before["negative_share"]
        assert here["negative_change"] == pytest.approx(change)
        assert here["calls_change"] == here["calls"] - before["calls"]
    row = weeks[0]
    hits = round(row["negative_share"] * row["calls"])
    interval = stats.binomtest(hits, row["calls"]).proportion_ci(0.95, method="wilson")
    assert (row["negative_low"], row["negative_high"]) == pytest.approx(tuple(interval))


@pytest.mark.parametrize("macro", ["emotion_trend", "agent_trend", "complaint_peaks"])
def test_another_bucket_is_an_error_that_names_the_buckets(db, macro) -> None:
    with pytest.raises(duckdb.Error, match="hour, day, week, month or quarter, not fortnight"):
        db.sql(f"FROM {macro}('fortnight')").fetchall()
