"""The statistics written in SQL, against SciPy on random tables."""

import duckdb
import numpy as np
import pytest
from scipy import stats

from e2vdb.query.definitions import definitions, read_sql

STATISTICS = (
    "wilson_low",
    "wilson_high",
    "two_sided_p",
    "two_proportion_p",
    "difference_low",
    "difference_high",
)


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as connection:
        for name in definitions():
            if name in STATISTICS:
                connection.execute(read_sql(name))
        yield connection


def tables(seed: int, rows: int = 300) -> np.ndarray:
    """Return random counts: hits 1, tries 1, hits 2, tries 2."""
    rng = np.random.default_rng(seed)
    tries = rng.integers(1, 400, (2, rows))
    hits = rng.binomial(tries, rng.random((2, rows)))
    return np.stack([hits[0], tries[0], hits[1], tries[1]], axis=1)


def ask(connection, expression: str, counts: np.ndarray) -> list[tuple]:
    values = ", ".join(str(tuple(int(one) for one in row)) for row in counts)
    query = f"SELECT {expression} FROM (VALUES {values}) AS t(k1, n1, k2, n2)"
    return connection.sql(query).fetchall()


def test_wilson_interval(connection) -> None:
    counts = tables(0)
    found = ask(connection, "wilson_low(k1, n1), wilson_high(k1, n1)", counts)
    for (k, n, *_), (low, high) in zip(counts, found, strict=True):
        interval = stats.binomtest(int(k), int(n)).proportion_ci(0.95, method="wilson")
        assert low == pytest.approx(interval.low, abs=1e-9)
        assert high == pytest.approx(interval.high, abs=1e-9)


def test_wilson_interval_of_nothing_is_null(connection) -> None:
    assert ask(connection, "wilson_low(k1, n1), wilson_high(k1, n1)", [(0, 0, 0, 0)]) == [
        (None, None)
    ]


def test_two_sided_p(connection) -> None:
    scores = np.concatenate([np.linspace(-9, 9, 181), [30.0]])
    values = ", ".join(f"({score})" for score in scores)
    query = f"SELECT two_sided_p(z) FROM (VALUES {values}) AS t(z)"
    found = [p for (p,) in connection.sql(query).fetchall()]
    assert found == pytest.approx(list(2 * stats.norm.sf(np.abs(scores))), rel=1e-6)


def test_two_proportion_p(connection) -> None:
    """The pooled z-test is the chi-squared test without continuity correction."""
    counts = tables(1)
    found = [p for (p,) in ask(connection, "two_proportion_p(k1, n1, k2, n2)", counts)]
    for (k1, n1, k2, n2), p in zip(counts, found, strict=True):
        if k1 + k2 in (0, n1 + n2):
            assert p == 1
            continue
        table = [[k1, n1 - k1], [k2, n2 - k2]]
        expected = stats.chi2_contingency(table, correction=False).pvalue
        assert p == pytest.approx(expected, rel=1e-5)


def test_difference_interval(connection) -> None:
    """Newcombe's method, from SciPy's own Wilson intervals."""
    counts = tables(2)
    shown = "difference_low(k1, n1, k2, n2), difference_high(k1, n1, k2, n2)"
    for (k1, n1, k2, n2), found in zip(counts, ask(connection, shown, counts), strict=True):
        p1, p2 = k1 / n1, k2 / n2
        one = stats.binomtest(int(k1), int(n1)).proportion_ci(0.95, method="wilson")
        two = stats.binomtest(int(k2), int(n2)).proportion_ci(0.95, method="wilson")
        low = p2 - p1 - np.hypot(p2 - two.low, one.high - p1)
        high = p2 - p1 + np.hypot(two.high - p2, p1 - one.low)
        assert found == pytest.approx((low, high), abs=1e-9)
