"""`e2v_align`, `e2v_cosine`, `e2v_robust`, `e2v_bands` against NumPy in double precision."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cosine

import e2vdb
from e2vdb.database import Database

from .conftest import put_voices

RNG = np.random.default_rng(3)
ROWS = 3000  # more than DuckDB hands over at once
VOICES = RNG.normal(size=(ROWS, 1024)).astype(np.float32)
SMALL, LARGE = RNG.normal(size=(1024, 3)), RNG.normal(size=(1024, 5))


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder = tmp_path_factory.mktemp("voices")
    with e2vdb.connect(folder / "e2v.lancedb") as opened:
        put_voices(opened, VOICES)
        for name, matrix in (("small", SMALL), ("large", LARGE)):
            np.save(folder / f"{name}.npy", matrix)
            opened.alignments.import_matrix(name, folder / f"{name}.npy")
        yield opened


def column(db: Database, expression: str) -> np.ndarray:
    rows = db.sql(f"SELECT {expression} FROM utterances ORDER BY utterance_id").fetchall()
    return np.array([row[0] for row in rows])


def one(db: Database, expression: str) -> object:
    return db.sql(f"SELECT {expression}").fetchall()[0][0]


ORDER = np.argsort([f"c{number:03d}" for number in range(ROWS)], kind="stable")


def test_aligns_whole_columns(db: Database) -> None:
    found = column(db, "e2v_align(embedding, 'large')")
    assert found == pytest.approx((VOICES.astype(float) @ LARGE)[ORDER], abs=1e-3)
    assert one(db, "typeof(e2v_align(range(1024), 'large'))") == "FLOAT[]"


def test_names_may_differ_from_row_to_row(db: Database) -> None:
    name = "CASE WHEN right(utterance_id, 1) < '5' THEN 'small' ELSE 'large' END"
    rows = db.sql(
        f"SELECT utterance_id, e2v_align(embedding, {name}) FROM utterances ORDER BY 1"
    ).fetchall()
    for (key, mapped), voice in zip(rows, VOICES[ORDER].astype(float), strict=True):
        expected = voice @ (SMALL if key[-1] < "5" else LARGE)
        assert mapped == pytest.approx(expected, abs=1e-3)


@settings(deadline=None, max_examples=50)
@given(st.data(), st.integers(1, 20), st.sampled_from(["FLOAT[]", "DOUBLE[]"]))
def test_cosine_of_any_lists(db: Database, data: st.DataObject, length: int, kind: str) -> None:
    value = st.floats(-1e6, 1e6, width=32).filter(lambda x: x == 0 or abs(x) > 1e-6)
    vector = st.lists(value, min_size=length, max_size=length).filter(any)
    first, second = data.draw(vector), data.draw(vector)
    query = f"SELECT e2v_cosine($a::{kind}, $b::{kind})"
    found = db.sql(query, {"a": first, "b": second}).fetchall()[0][0]
    assert found == pytest.approx(1 - cosine(first, second), abs=1e-9)


def test_cosine_of_columns_and_arrays(db: Database) -> None:
    found = column(db, "e2v_cosine(embedding, e2v_robust(embedding, 0.1))")
    mask = np.repeat([0.7, 1, 1.3], [128, 640, 256])
    expected = [1 - cosine(voice, voice * mask) for voice in VOICES[ORDER].astype(float)]
    assert found == pytest.approx(expected, abs=1e-6)


def test_robust_masks_below_four_tenths(db: Database) -> None:
    quality = "CASE WHEN right(utterance_id, 1) < '5' THEN 0.39 ELSE 0.4 END"
    found = column(db, f"e2v_robust(embedding, {quality})")
    mask = np.repeat([0.7, 1, 1.3], [128, 640, 256])
    poor = ORDER % 10 < 5
    expected = np.where(poor[:, None], VOICES[ORDER] * mask, VOICES[ORDER]).astype(np.float32)
    assert (found.astype(np.float32) == expected).all()
    assert one(db, "typeof(e2v_robust(range(1, 1025), 0.1))") == "FLOAT[1024]"


def test_bands_are_norms(db: Database) -> None:
    rows = db.sql("SELECT unnest(e2v_bands(embedding)) FROM utterances ORDER BY utterance_id")
    assert rows.columns == ["0-127", "128-383", "384-767", "768-1023"]
    parts = np.split(VOICES[ORDER].astype(float), [128, 384, 768], axis=1)
    expected = np.stack([np.linalg.norm(part, axis=1) for part in parts], axis=1)
    assert np.array(rows.fetchall()) == pytest.approx(expected, rel=1e-6)


VECTOR = "((SELECT embedding FROM utterances LIMIT 1)::FLOAT[])"
NULLS, NANS = f"list_append({VECTOR}[2:], NULL)", f"list_append({VECTOR}[2:], 'nan'::FLOAT)"
ZEROS = "list_transform(range(1024), lambda x: 0)"


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ("e2v_align([1, 2], 'small')", "has 2 values, but the database's have 1024"),
        ("e2v_align([], 'small')", "has 0 values"),
        ("e2v_align(NULL, 'small')", "the vector is NULL"),
        (f"e2v_align({NULLS}, 'small')", "holds NaN, NULL or infinity"),
        (f"e2v_align({NANS}, 'small')", "holds NaN, NULL or infinity"),
        (f"e2v_align({ZEROS}, 'small')", "is all zero"),
        (f"e2v_align({VECTOR}, 'none')", "no alignment 'none'; there are large, small."),
        (f"e2v_align({VECTOR}, NULL)", "must not be NULL"),
        ("e2v_cosine([1, 2], [1])", "2 and 1 values"),
        ("e2v_cosine([]::FLOAT[], []::FLOAT[])", "0 and 0 values"),
        ("e2v_cosine(NULL, [1])", "a vector is NULL"),
        ("e2v_cosine([1], NULL)", "a vector is NULL"),
        ("e2v_cosine([1, NULL], [1, 2])", "holds NULL"),
        ("e2v_cosine([1, 2], [1, 'inf'::FLOAT])", "holds NaN or infinity"),
        ("e2v_cosine([1, 'nan'::DOUBLE], [1, 2])", "holds NaN or infinity"),
        ("e2v_cosine([0, 0], [1, 2])", "all zero"),
        ("e2v_robust([1, 2], 0.1)", "has 2 values, but it is defined for the 1024"),
        (f"e2v_robust({VECTOR}, 1.5)", "between 0 and 1, not 1.5"),
        (f"e2v_robust({VECTOR}, -0.1)", "between 0 and 1, not -0.1"),
        (f"e2v_robust({VECTOR}, NULL)", "between 0 and 1, not NULL"),
        (f"e2v_robust({VECTOR}, 'nan'::DOUBLE)", "between 0 and 1, not NULL or NaN"),
        (f"e2v_robust({NANS}, 0.1)", "holds NaN"),
        ("e2v_robust(NULL, 0.1)", "the vector is NULL"),
        ("e2v_bands([1, 2])", "has 2 values, but it is defined for the 1024"),
        (f"e2v_bands({ZEROS})", "is all zero"),
        ("e2v_bands(NULL)", "the vector is NULL"),
    ],
)
def test_bad_input_is_one_sentence_and_the_connection_lives_on(
    db: Database, call: str, sentence: str
) -> None:
    with pytest.raises(duckdb.Error) as caught:
        one(db, call)
    assert sentence in str(caught.value)
    assert one(db, "e2v_cosine([1, 0], [1, 0])") == 1


def test_a_smaller_model_has_no_bands(tmp_path: Path) -> None:
    with e2vdb.connect(tmp_path / "e2v.lancedb") as opened:
        put_voices(opened, VOICES[:2, :768])
        with pytest.raises(duckdb.Error, match="has 768 values, but it is defined for the 1024"):
            column(opened, "e2v_robust(embedding, 0.1)")
