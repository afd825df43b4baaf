"""The approximate index: recall measured, cosines true, and exact search where it is missing."""

import numpy as np
import pytest

from e2vdb.database import Database
from e2vdb.errors import UsageError
from e2vdb.similarity.ann import Effort

from .conftest import distill, put_vectors


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((40, 32))
    return centres[rng.integers(0, 40, 6000)] + 0.3 * rng.standard_normal((6000, 32))


def test_index_lifecycle(db: Database, vectors: np.ndarray) -> None:
    put_vectors(db, vectors[:5500])
    distill(db)
    exact = db.search("u0100", mode="exact")
    assert db.search("u0100", mode="ann").mode == "exact"  # no index yet
    assert db.build_index() == "built"
    hits = 0
    for row in range(0, 2000, 100):
        truth = db.search(f"u{row:04d}", mode="exact").table
        answer = db.search(f"u{row:04d}", mode="ann", effort=Effort(40, 20))
        assert answer.mode == "ann"
        cosine = dict(zip(*(truth[name].to_pylist() for name in TWO), strict=True))
        for name, similarity in zip(*(answer.table[c].to_pylist() for c in TWO), strict=True):
            if name in cosine:
                hits += 1
                assert similarity == pytest.approx(cosine[name], abs=1e-5)
    assert hits >= 0.95 * 200
    put_vectors(db, vectors[100:101] + 1e-5, first=9000)
    assert db.search("u0100", 1, mode="ann").table["utterance_id"].to_pylist() == ["u9000"]
    assert db.build_index() == "updated"
    assert db.build_index() == "up to date"
    db.drop_index()
    again = db.search("u0100", mode="ann")
    assert again.mode == "exact"
    assert set(exact.table["utterance_id"].to_pylist()) - set(
        again.table["utterance_id"].to_pylist()
    ) <= {exact.table["utterance_id"].to_pylist()[-1]}


TWO = ("utterance_id", "similarity")


def test_too_few_vectors_for_an_index(db: Database, vectors: np.ndarray) -> None:
    put_vectors(db, vectors[:100])
    with pytest.raises(UsageError, match="5,000"):
        db.build_index()
    with pytest.raises(UsageError, match="'IVF_XY'"):
        db.build_index("IVF_XY")
