"""Exact search against brute force in float64, on data meant to break bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2vdb.distill.fit import fit_sample
from e2vdb.similarity.blocks import Block
from e2vdb.similarity.exact import DECIMALS, ExactSearch
from e2vdb.similarity.sketch import make_basis, query_side, rounding_slack, sketch_rows


def searcher(vectors: np.ndarray, variance: float | None, blocks: int = 3) -> ExactSearch:
    """Build a search as the cache would, without files."""
    vectors = vectors.astype(np.float32)
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    fitted = None if variance is None else fit_sample(vectors[lengths > 0], variance, 1)
    basis = make_basis(fitted, vectors.shape[1])
    made = [
        Block(number, part, sketch_rows(part, norms, basis), norms, None)
        for number, (part, norms) in enumerate(
            zip(np.array_split(vectors, blocks), np.array_split(lengths, blocks), strict=True)
        )
    ]
    return ExactSearch(made, basis)


def brute_force(vectors: np.ndarray, query: np.ndarray, mask: np.ndarray | None = None):
    """Return rows and cosines, nearest first, ties by row, in float64."""
    exact = vectors.astype(np.float32).astype(np.float64)
    lengths = np.linalg.norm(exact, axis=1)
    usable = lengths > 0 if mask is None else (lengths > 0) & mask
    cosines = np.full(len(exact), -np.inf)
    cosines[usable] = np.round(exact[usable] @ query / lengths[usable], DECIMALS)
    order = np.lexsort((np.arange(len(exact)), -cosines))
    order = order[: usable.sum()]
    return order, cosines[order]


def unit(rng: np.random.Generator, dimension: int) -> np.ndarray:
    query = rng.standard_normal(dimension)
    return query / np.linalg.norm(query)


def data(kind: str, rng: np.random.Generator, rows: int, dimension: int) -> np.ndarray:
    noise = rng.standard_normal((rows, dimension))
    low_rank = rng.standard_normal((rows, 6)) @ rng.standard_normal((6, dimension))
    return {
        "random": noise,
        "low rank": low_rank + 0.05 * noise,
        "slow spectrum": noise * np.arange(1, dimension + 1) ** -0.5,
        "clusters": np.repeat(noise[: rows // 20 + 1], 20, axis=0)[:rows] + 1e-4 * noise,
        "duplicates": np.repeat(noise[: rows // 10 + 1], 10, axis=0)[:rows],
        "tied": np.sign(noise),
        "near the query": np.ones((rows, dimension)) + 1e-7 * noise,
        "huge and tiny": noise * 10.0 ** rng.integers(-12, 12, (rows, 1)),
        "some missing": noise * (rng.random((rows, 1)) > 0.3),
    }[kind]


KINDS = (
    "random",
    "low rank",
    "slow spectrum",
    "clusters",
    "duplicates",
    "tied",
    "near the query",
    "huge and tiny",
    "some missing",
)


@pytest.mark.parametrize("variance", [None, 0.5, 0.95, 1.0])
@pytest.mark.parametrize("kind", KINDS)
def test_equals_brute_force(kind: str, variance: float | None) -> None:
    rng = np.random.default_rng(7)
    vectors = data(kind, rng, 1500, 48)
    search = searcher(vectors, variance)
    queries = [unit(rng, 48), vectors[3] / max(np.linalg.norm(vectors[3]), 1e-300), np.ones(48)]
    for query in queries:
        if not query.any():
            continue
        query = query / np.linalg.norm(query)
        for k in (1, 7, 64, 5000):
            found = search.nearest(query[None, :], k)[0]
            rows, cosines = brute_force(vectors, query)
            kept = rows[: len(found.rows)]
            assert len(found.rows) >= min(k, len(rows))
            assert found.rows.tolist() == kept.tolist()
            assert found.similarities == pytest.approx(cosines[: len(kept)], abs=1e-11)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(3, 400),
    dimension=st.integers(2, 40),
    k=st.integers(1, 50),
    kept=st.floats(0.01, 1.0),
)
def test_filtered_equals_brute_force(
    kind: str, seed: int, rows: int, dimension: int, k: int, kept: float
) -> None:
    rng = np.random.default_rng(seed)
    vectors = data(kind, rng, rows, dimension)
    mask = rng.random(rows) < kept
    search = searcher(vectors, 0.9 if rows > dimension and kind != "tied" else None)
    query = unit(rng, dimension)
    found = search.nearest(query[None, :], k, mask)[0]
    expected, _ = brute_force(vectors, query, mask)
    assert len(found.rows) >= min(k, len(expected))
    assert found.rows.tolist() == expected[: len(found.rows)].tolist()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), kind=st.sampled_from(KINDS))
def test_every_bound_holds(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    vectors = data(kind, rng, 200, 24).astype(np.float32)
    norms = np.linalg.norm(vectors.astype(np.float64), axis=1)
    basis = make_basis(fit_sample(vectors[norms > 0], 0.8, 1), 24)
    sketch = sketch_rows(vectors, norms, basis)
    query = unit(rng, 24)
    right, constants = query_side(query[None, :], basis)
    bounds = sketch @ right[0] + np.float32(constants[0])
    usable = norms > 0
    cosines = vectors[usable].astype(np.float64) @ query / norms[usable]
    assert (cosines <= bounds[usable] + rounding_slack(len(right[0]) + 1, right)).all()


def test_ties_with_the_kth_are_all_returned() -> None:
    vectors = np.tile(np.eye(4), (50, 1))
    found = searcher(vectors, None).nearest(np.eye(4)[:1], 3)[0]
    assert found.rows.tolist() == list(range(0, 200, 4))


def test_within_returns_every_row_above_the_threshold() -> None:
    rng = np.random.default_rng(1)
    vectors = data("clusters", rng, 800, 32)
    query = vectors[5] / np.linalg.norm(vectors[5])
    found = searcher(vectors, 0.9).within(query, 0.5)
    rows, cosines = brute_force(vectors, query)
    assert found.rows.tolist() == rows[cosines >= 0.5].tolist()


def test_many_queries_equal_one_at_a_time() -> None:
    rng = np.random.default_rng(2)
    vectors = data("low rank", rng, 1000, 32)
    queries = np.array([unit(rng, 32) for _ in range(150)])
    search = searcher(vectors, 0.9)
    together = search.nearest(queries, 5, threads=3)
    for query, found in zip(queries, together, strict=True):
        assert found.rows.tolist() == search.nearest(query[None, :], 5)[0].rows.tolist()


def test_only_a_few_rows_of_easy_data_are_verified() -> None:
    rng = np.random.default_rng(3)
    vectors = data("low rank", rng, 20_000, 64)
    found = searcher(vectors, 0.99).nearest(unit(rng, 64)[None, :], 10)[0]
    assert found.verified < 2_000


@pytest.mark.parametrize("variance", [None, 0.3, 0.9])
@pytest.mark.parametrize("threads", [1, 3])
def test_many_rows_that_bounds_hardly_tell_apart(variance: float | None, threads: int) -> None:
    """So many are left after the first rounds that the table is read as a whole."""
    rng = np.random.default_rng(11)
    vectors = rng.standard_normal((40_000, 16)).astype(np.float32)
    vectors[20_000:20_020] = vectors[5]  # ties
    mask = rng.random(len(vectors)) < 0.8
    search = searcher(vectors, variance)
    queries = np.array([unit(rng, 16), vectors[5] / np.linalg.norm(vectors[5]), unit(rng, 16)])
    for kept in (None, mask):
        for query, found in zip(queries, search.nearest(queries, 12, kept, threads), strict=True):
            rows, cosines = brute_force(vectors, query, kept)
            ties = int((cosines >= cosines[11]).sum())
            assert len(found.rows) == ties
            np.testing.assert_array_equal(found.rows, rows[:ties])
            np.testing.assert_allclose(found.similarities, cosines[:ties], atol=1e-12)
    near = search.within(queries[1], 0.7)
    rows, cosines = brute_force(vectors, queries[1])
    np.testing.assert_array_equal(near.rows, rows[cosines >= 0.7])
