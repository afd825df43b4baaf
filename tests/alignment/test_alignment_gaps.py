"""`alignment_gaps` and `align vectors` against NumPy in double precision."""

from pathlib import Path

import duckdb
import numpy as np
import pytest
from click.testing import CliRunner

from e2vdb.alignment import gaps
from e2vdb.cli.app import cli
from e2vdb.database import Database
from e2vdb.errors import InputError, UsageError

from .conftest import Open, call, put_voices, write_vectors

RNG = np.random.default_rng(5)
VOICES = RNG.normal(size=(100, 16))
MATRIX = RNG.normal(size=(16, 7))
TEXTS = VOICES @ MATRIX + RNG.normal(size=(100, 7))


@pytest.fixture
def db(open_voices: Open, tmp_path: Path) -> Database:
    opened = open_voices(VOICES)
    np.save(tmp_path / "W.npy", MATRIX)
    opened.alignments.import_matrix("text", tmp_path / "W.npy")
    return opened


def expected(texts: np.ndarray = TEXTS) -> np.ndarray:
    mapped = VOICES[: len(texts)] @ MATRIX
    lengths = np.linalg.norm(mapped, axis=1) * np.linalg.norm(texts, axis=1)
    return (mapped * texts).sum(axis=1) / lengths


@pytest.mark.parametrize("held", [1, 700, 1 << 28])
def test_lowest_cosines_first(
    db: Database, tmp_path: Path, held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gaps, "_TEXT_BYTES", held)
    for half in (TEXTS[:50], TEXTS):  # in two commits, so in several batches
        db.alignments.load_vectors("text", write_vectors(tmp_path / "t.parquet", half))
    rows = db.sql("FROM alignment_gaps('text', top := 7)").fetchall()
    order = np.argsort(expected())[:7]
    assert [row[0] for row in rows] == [call(number) for number in order]
    assert [row[1] for row in rows] == pytest.approx(expected()[order].tolist(), abs=1e-6)


def test_columns_are_those_of_a_search(db: Database) -> None:
    assert db.sql("FROM alignment_gaps('text')").columns == [
        *("utterance_id", "similarity", "at", "agent", "customer"),
        *("product", "team", "emotion", "confidence"),
    ]


def test_only_calls_with_text_are_compared(db: Database, tmp_path: Path) -> None:
    assert db.sql("FROM alignment_gaps('text')").fetchall() == []
    db.alignments.load_vectors("text", write_vectors(tmp_path / "t.parquet", TEXTS[:3]))
    assert len(db.sql("FROM alignment_gaps('text')").fetchall()) == 3


def test_loading_again_replaces_by_call(db: Database, tmp_path: Path) -> None:
    db.alignments.load_vectors("text", write_vectors(tmp_path / "t.parquet", TEXTS))
    db.alignments.load_vectors("text", write_vectors(tmp_path / "t.parquet", -TEXTS[:2]))
    found = dict(db.sql("FROM alignment_gaps('text', top := 200)").project("#1, #2").fetchall())
    assert len(found) == 100
    assert found["c000"] == pytest.approx(-expected()[0], abs=1e-6)


def test_new_voices_are_in_at_once(db: Database, tmp_path: Path) -> None:
    db.alignments.load_vectors("text", write_vectors(tmp_path / "t.parquet", TEXTS))
    before = db.sql("FROM alignment_gaps('text', top := 1)").fetchall()[0][1]
    put_voices(db, -VOICES)
    after = db.sql("FROM alignment_gaps('text', top := 200)").fetchall()[-1][1]
    assert after == pytest.approx(-before, abs=1e-6)


def test_the_command_counts_rows_of_unknown_calls(db: Database, tmp_path: Path) -> None:
    file = write_vectors(tmp_path / "t.parquet", [*TEXTS, TEXTS[0]])
    done = CliRunner().invoke(cli, ["--db", db.address.uri, "align", "vectors", "text", str(file)])
    assert "100 text vectors kept for text, 1 rows speak of no known call" in done.output


def test_refuses_another_width_and_an_unknown_name(db: Database, tmp_path: Path) -> None:
    file = write_vectors(tmp_path / "t.parquet", TEXTS[:, :3])
    with pytest.raises(InputError, match="vectors of 3 values, but the alignment 'text' makes 7"):
        db.alignments.load_vectors("text", file)
    with pytest.raises(UsageError, match="no alignment 'other'; there are text"):
        db.alignments.load_vectors("other", file)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("'other'", "There is no alignment 'other'; there are text."),
        ("NULL", "must not be NULL"),
        ("'text', top := NULL", "must not be NULL"),
        ("'text', top := 0", "top must be at least 1, not 0."),
    ],
)
def test_bad_input_is_one_sentence_and_the_connection_lives_on(
    db: Database, arguments: str, sentence: str
) -> None:
    with pytest.raises(duckdb.Error) as caught:
        db.sql(f"FROM alignment_gaps({arguments})").fetchall()
    assert sentence in str(caught.value)
    assert db.sql("FROM alignment_gaps('text')").fetchall() == []


def test_an_empty_database_has_no_rows(open_voices: Open) -> None:
    empty = open_voices(np.zeros((0, 16)))
    assert empty.sql("FROM alignment_gaps('text')").fetchall() == []
