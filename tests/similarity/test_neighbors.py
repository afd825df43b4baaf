"""The table `neighbors` against brute force, made at once and kept up to date."""

import lance
import numpy as np

from e2vdb.database import Database

from .conftest import distill, normal, put_vectors


def expected(vectors: np.ndarray, k: int) -> list[tuple[str, int, str]]:
    exact = vectors.astype(np.float32).astype(np.float64)
    alive = ~np.isnan(vectors).any(axis=1)
    exact[~alive] = 0
    units = exact / np.where(alive, np.linalg.norm(exact, axis=1), 1)[:, None]
    cosines = np.round(units @ units.T, 12)
    rows = []
    for row in np.flatnonzero(alive):
        others = [other for other in np.flatnonzero(alive) if other != row]
        others.sort(key=lambda other: (-cosines[row, other], other))
        rows += [
            (f"u{row:04d}", rank, f"u{other:04d}") for rank, other in enumerate(others[:k], start=1)
        ]
    return rows


def stored(db: Database) -> list[tuple[str, int, str]]:
    return db.sql("SELECT utterance_id, rank, neighbor_id FROM neighbors ORDER BY ALL").fetchall()


def version(db: Database) -> int:
    return lance.dataset(f"{db.address}/neighbors.lance").version


def test_made_at_once(db: Database) -> None:
    vectors = normal(300)
    vectors[7] = np.nan
    vectors[20:25] = vectors[20]
    put_vectors(db, vectors)
    distill(db)
    summary = db.update_neighbors(4)
    assert (summary.calls, summary.searched, summary.changed) == (299, 299, True)
    assert stored(db) == expected(vectors, 4)


def test_fewer_calls_than_k(db: Database) -> None:
    vectors = normal(3)
    put_vectors(db, vectors)
    db.update_neighbors(10)
    assert stored(db) == expected(vectors, 10)


def test_nothing_new_writes_nothing(db: Database) -> None:
    put_vectors(db, normal(50))
    db.update_neighbors(3)
    before = version(db)
    assert not db.update_neighbors(3).changed
    assert version(db) == before


def test_new_calls_are_taken_in(db: Database) -> None:
    vectors = normal(400, seed=1)
    put_vectors(db, vectors[:300])
    distill(db)
    db.update_neighbors(5)
    put_vectors(db, vectors[300:], first=300)
    summary = db.update_neighbors(5)
    assert (summary.searched, summary.compared) == (100, 300)
    assert stored(db) == expected(vectors, 5)


def test_changed_calls_are_searched_anew_and_so_are_those_near_them(db: Database) -> None:
    vectors = normal(200, seed=2)
    put_vectors(db, vectors)
    db.update_neighbors(5)
    vectors[50:60] = normal(10, seed=3)
    put_vectors(db, vectors[50:60], first=50)
    db.update_neighbors(5)
    assert stored(db) == expected(vectors, 5)


def test_a_call_that_loses_its_vector_leaves(db: Database) -> None:
    vectors = normal(60, seed=4)
    put_vectors(db, vectors)
    db.update_neighbors(3)
    vectors[10] = np.nan
    put_vectors(db, vectors[10:11], first=10)
    db.update_neighbors(3)
    assert stored(db) == expected(vectors, 3)


def test_another_k_is_made_whole(db: Database) -> None:
    vectors = normal(80, seed=5)
    put_vectors(db, vectors)
    db.update_neighbors(2)
    db.update_neighbors(6)
    assert stored(db) == expected(vectors, 6)
