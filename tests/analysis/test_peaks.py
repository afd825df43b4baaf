"""Complaint peaks: the launch's is found, chance makes none."""

import datetime as dt

import duckdb
import numpy as np
import pytest
from conftest_analysis import rows_of

from e2vdb.query.definitions import definitions, read_sql


def test_the_launch_peak_is_found_and_named(db, planted) -> None:
    launch = planted.truth["launch"]
    first, last = (dt.date.fromisoformat(launch[one]) for one in ("peak_from", "peak_until"))
    peaks = [row for row in rows_of(db, "FROM complaint_peaks()") if row["score"] > 4]
    assert [row["bucket"].date() for row in peaks] == [
        first + dt.timedelta(days=i) for i in range((last - first).days + 1)
    ]
    assert {row["event"] for row in peaks} == {launch["event"]}
    assert [row["days_from_event"] for row in peaks] == [3, 4, 5, 6]
    week = rows_of(db, "FROM complaint_peaks('week')")
    assert [(row["bucket"].date(), row["event"]) for row in week] == [(first, launch["event"])]


def test_the_baseline_is_the_median_of_the_same_weekday(db) -> None:
    shares = db.sql("SELECT bucket, negative_share FROM emotion_trend('day') WHERE calls > 0").df()
    for peak in rows_of(db, "FROM complaint_peaks()"):
        same = shares["bucket"].dt.day_of_week == peak["bucket"].weekday()
        earlier = shares[same & (shares["bucket"] < peak["bucket"])]
        assert peak["baseline"] == pytest.approx(earlier["negative_share"].median())


def test_no_peak_where_time_means_nothing(shuffled) -> None:
    assert rows_of(shuffled, "FROM complaint_peaks(z := 4)") == []
    assert rows_of(shuffled, "FROM complaint_peaks('week')") == []


@pytest.fixture(scope="module")
def chance():
    """Half a year of calls that are negative by chance alone, a hundred times over."""
    rng = np.random.default_rng(5)
    days = np.arange("2024-01-01", "2024-07-01", dtype="datetime64[D]")
    sizes = np.where((days.astype(int) + 3) % 7 < 5, 13, 2)
    moments = np.repeat(days, sizes).astype("datetime64[us]")
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE events(name VARCHAR, starts_at TIMESTAMP)")
        connection.execute('CREATE TABLE calls("at" TIMESTAMP, negative BOOLEAN)')
        for name in definitions():
            if name in ("bucket_start", "bucket_step", "is_bucket", "complaint_peaks"):
                connection.execute(read_sql(name))
        yield connection, moments, rng


def test_chance_rarely_makes_a_peak(chance) -> None:
    connection, moments, rng = chance
    found = 0
    for _ in range(40):
        connection.execute("DELETE FROM calls")
        negative = rng.random(len(moments)) < 0.3
        connection.register("drawn", {"moments": moments, "negative": negative})
        connection.execute("INSERT INTO calls SELECT moments, negative FROM drawn")
        found += len(connection.sql("FROM complaint_peaks()").fetchall())
    assert found <= 0.002 * 40 * 130
