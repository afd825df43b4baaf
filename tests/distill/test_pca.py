"""Distilled vectors against scikit-learn's PCA in double precision and plain NumPy."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sklearn.decomposition import PCA
from trees import D, table, vector, versions, write_output, write_tree

import e2vdb
from e2vdb.distill.distiller import Distiller, from_row, to_row
from e2vdb.distill.fit import fit_sample
from e2vdb.errors import UsageError


def clustered(rows: int, seed: int = 0) -> np.ndarray:
    """Vectors (rows, D) float32 near a space of few dimensions, of any length."""
    random = np.random.default_rng(seed)
    basis = random.standard_normal((6, D)) * np.array([[9, 7, 5, 3, 2, 1]]).T
    raw = random.standard_normal((rows, 6)) @ basis + random.standard_normal((rows, D))
    return (raw + 5).astype(np.float32)


def unit(vectors: np.ndarray) -> np.ndarray:
    wide = vectors.astype(np.float64)
    return wide / np.linalg.norm(wide, axis=1, keepdims=True)


def same_up_to_sign(one: np.ndarray, other: np.ndarray, tolerance: float) -> bool:
    signs = np.sign((one * other).sum(axis=0))
    return np.allclose(one, other * signs, atol=tolerance)


@pytest.mark.parametrize("variance", [0.5, 0.9, 0.95, 0.99, 1.0])
def test_it_is_scikit_learns_pca(variance: float) -> None:
    sample = clustered(500)
    ours = fit_sample(sample, variance)
    theirs = PCA(variance if variance < 1 else None, svd_solver="full").fit(unit(sample))
    assert ours.dimensions == theirs.n_components_
    assert ours.variance_kept >= min(variance, 0.999999)
    ratios = theirs.explained_variance_ratio_
    assert np.allclose(ours.explained_variance_ratio, ratios, rtol=1e-3, atol=1e-6)
    if variance < 1:  # the smallest directions of all are not determined
        fresh = clustered(50, seed=9)
        assert same_up_to_sign(ours.apply(fresh), theirs.transform(unit(fresh)), 2e-4)


def test_length_does_not_matter_even_at_the_edge_of_float32() -> None:
    distiller = fit_sample(clustered(400), 0.95)
    fresh = clustered(5, seed=3)
    expected = distiller.apply(fresh)
    for scale in (1e-30, 1e-20, 1e-3, 1e3, 1e30):
        scaled = (fresh.astype(np.float64) * scale).astype(np.float32)
        assert np.allclose(distiller.apply(scaled), expected, atol=1e-5)
    assert np.allclose(distiller.apply(fresh.astype(np.float16)), expected, atol=2e-3)


def test_missing_and_zero_vectors_have_none() -> None:
    distiller = fit_sample(clustered(400), 0.95)
    values = clustered(4, seed=1)
    values[2] = 0
    column = pa.FixedSizeListArray.from_arrays(
        pa.array(values.ravel()), D, mask=pa.array([False, True, False, False])
    )
    found = distiller.column(column).to_pylist()
    assert [one is None for one in found] == [False, True, True, False]
    assert np.allclose(found[3], distiller.apply(values[3:4])[0])
    assert np.allclose(found[0], distiller.apply(values[:1])[0])


def test_it_travels_as_an_arrow_row() -> None:
    fitted = fit_sample(clustered(300), 0.95, distiller_id=3)
    back: Distiller = from_row(to_row(fitted).to_pylist()[0])
    assert np.array_equal(back.components, fitted.components)
    assert np.array_equal(back.mean, fitted.mean)
    assert (back.distiller_id, back.fitted_rows) == (3, 300)
    assert back.explained_variance_ratio == fitted.explained_variance_ratio
    assert back.fitted_at == fitted.fitted_at


def write(root: Path, vectors: np.ndarray, first: int = 0) -> Path:
    for number, values in enumerate(vectors, first):
        folder = write_output(root / f"call{number:05}", number)
        np.save(folder / "embedding.npy", values)
    return root


def distilled(db: Path) -> np.ndarray:
    rows = table(db, "utterances").sort_by("utterance_id")
    return np.array(rows["distilled"].to_pylist())


def test_it_is_fitted_at_exactly_256_vectors(tmp_path: Path) -> None:
    vectors = clustered(256)
    root = write(tmp_path / "outputs", vectors[:255])
    write_output(root / "no vector", 999, embedding=False)
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(root)
        assert db.info().distiller is None
        assert "distilled" not in table(tmp_path / "db", "utterances").column_names
        with pytest.raises(UsageError, match="255"):
            db.distill()
        write(root, vectors[255:], first=255)
        summary = db.ingest(root)
        assert any("fitted" in note for note in summary.notes)
        assert db.info().distiller.fitted_rows == 256
        missing = db.sql("SELECT utterance_id FROM utterances WHERE distilled IS NULL").fetchall()
        assert missing == [("no vector",)]
        before = versions(tmp_path / "db")
        db.ingest(root)
        assert versions(tmp_path / "db") == before


def test_later_rows_get_the_same_distiller_with_numpy_alone(tmp_path: Path) -> None:
    vectors = clustered(320)
    root = write(tmp_path / "outputs", vectors[:300])
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(root)
        write(root, vectors[300:], first=300)
        db.ingest(root)
        assert table(tmp_path / "db", "distillers").num_rows == 1
    pca = PCA(0.95, svd_solver="full").fit(unit(vectors[:300]))
    expected = pca.transform(unit(vectors))
    assert same_up_to_sign(distilled(tmp_path / "db"), expected, 2e-4)


def test_few_vectors_among_many_results_are_found(tmp_path: Path) -> None:
    import e2vdb.distill.fit as module
    from e2vdb.store.address import resolve
    from e2vdb.store.store import Store

    root = write_tree(tmp_path / "outputs", range(1500), embedding=False)
    write(root, clustered(260), first=5000)
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(root)
    sample = module.sample_embeddings(Store(resolve(tmp_path / "db")), rows=300)
    assert len(sample) == 260


@pytest.mark.parametrize("kinds", [1, 2])
def test_a_tree_of_copies_can_be_distilled(tmp_path: Path, kinds: int) -> None:
    vectors = np.array([vector(number % kinds) for number in range(260)])
    with e2vdb.connect(tmp_path / "db") as db:
        assert db.ingest(write(tmp_path / "outputs", vectors)).inserted == 260
        assert np.isfinite(distilled(tmp_path / "db")).all()
