"""Fitting a map, against scikit-learn's ridge and a planted truth."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.linear_model import Ridge

from e2vdb.alignment.fit import cosines
from e2vdb.cli.app import cli
from e2vdb.errors import E2VError, InputError, UsageError

from .conftest import Open, call, write_vectors

RNG = np.random.default_rng(0)
VOICES = RNG.normal(size=(300, 24)) * 20 + 3
TRUTH = RNG.normal(size=(24, 5))
TEXTS = VOICES @ TRUTH + 7 + RNG.normal(size=(300, 5))


def test_recovers_a_planted_map(open_voices: Open, tmp_path: Path) -> None:
    db = open_voices(VOICES)
    info = db.alignments.fit("text", write_vectors(tmp_path / "pairs.parquet", TEXTS))
    assert (info.width, info.pairs, info.source) == (5, 300, "fit")
    assert info.held_out_cosine > 0.999 > info.baseline_cosine
    mapped = db.sql(
        "SELECT e2v_align(embedding, 'text') FROM utterances ORDER BY utterance_id"
    ).fetchall()
    expected = Ridge(info.strength).fit(VOICES, TEXTS).predict(VOICES)
    assert np.array([row[0] for row in mapped]) == pytest.approx(expected, abs=1e-2)


def test_texts_without_connection_are_no_better_than_their_mean(
    open_voices: Open, tmp_path: Path
) -> None:
    texts = RNG.normal(size=(300, 5)) + 2
    db = open_voices(VOICES)
    info = db.alignments.fit("noise", write_vectors(tmp_path / "pairs.parquet", texts))
    assert info.held_out_cosine == pytest.approx(info.baseline_cosine, abs=0.03)


def test_fewer_pairs_than_dimensions(open_voices: Open, tmp_path: Path) -> None:
    db = open_voices(VOICES)
    info = db.alignments.fit("few", write_vectors(tmp_path / "pairs.parquet", TEXTS[:15]))
    assert info.pairs == 15
    assert -1 <= info.held_out_cosine <= 1


def test_one_value_wide(open_voices: Open, tmp_path: Path) -> None:
    db = open_voices(VOICES)
    info = db.alignments.fit("one", write_vectors(tmp_path / "pairs.parquet", TEXTS[:, :1]))
    assert info.width == 1
    lengths = db.sql("SELECT DISTINCT len(e2v_align(embedding, 'one')) FROM utterances").fetchall()
    assert lengths == [(1,)]


def test_fitting_again_replaces_map_and_texts(open_voices: Open, tmp_path: Path) -> None:
    db = open_voices(VOICES)
    db.alignments.fit("text", write_vectors(tmp_path / "pairs.parquet", TEXTS))
    db.alignments.fit("text", write_vectors(tmp_path / "pairs.parquet", TEXTS[:200, :3]))
    assert [(one.name, one.width) for one in db.alignments.list()] == [("text", 3)]
    kept = db.sql("SELECT count(*), any_value(len(vector)) FROM text_vectors").fetchall()
    assert kept == [(200, 3)]


def test_keys_may_be_directories_and_json(open_voices: Open, tmp_path: Path) -> None:
    db = open_voices(VOICES)
    lines = [
        json.dumps({"output_dir": f"outputs/{call(number)}/", "vector": text.tolist()})
        for number, text in enumerate(TEXTS)
    ]
    (tmp_path / "pairs.jsonl").write_text("\n".join(lines))
    assert db.alignments.fit("text", tmp_path / "pairs.jsonl").pairs == 300


def test_pairs_of_unknown_calls_are_left_out(open_voices: Open, tmp_path: Path) -> None:
    db = open_voices(VOICES[:50])
    assert db.alignments.fit("t", write_vectors(tmp_path / "pairs.parquet", TEXTS)).pairs == 50


def wrong(change: str) -> list:
    texts = [list(map(float, text)) for text in TEXTS[:20]]
    if change == "short":
        texts[3] = texts[3][:2]
    elif change == "null":
        texts[3] = None
    elif change == "null inside":
        texts[3][1] = None
    elif change == "nan":
        texts[3][1] = float("nan")
    elif change == "huge":
        texts[3][1] = 1e300
    elif change == "zero":
        texts[3] = [0.0] * 5
    return texts


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("short", "'c003' has 2 values, that of 'c000' has 5"),
        ("null", "'c003' is NULL"),
        ("null inside", "'c003' holds NaN, NULL or infinity"),
        ("nan", "'c003' holds NaN, NULL or infinity"),
        ("huge", "'c003' holds NaN, NULL or infinity"),
        ("zero", "'c003' is all zero"),
    ],
)
def test_a_wrong_vector_is_named(
    open_voices: Open, tmp_path: Path, change: str, sentence: str
) -> None:
    db = open_voices(VOICES)
    with pytest.raises(InputError, match=sentence):
        db.alignments.fit("text", write_vectors(tmp_path / "pairs.parquet", wrong(change)))


def test_refuses_what_cannot_be_fitted(open_voices: Open, tmp_path: Path) -> None:
    db = open_voices(VOICES)
    with pytest.raises(UsageError, match="needs 10 pairs with voices, not 4"):
        db.alignments.fit("text", write_vectors(tmp_path / "few.parquet", TEXTS[:4]))
    (tmp_path / "p.csv").write_text('utterance_id,vector\nc001,"[1, 2]"\n')
    with pytest.raises(InputError, match="must hold lists of numbers"):
        db.alignments.fit("text", tmp_path / "p.csv")
    (tmp_path / "p.csv").write_text("utterance_id,text\nc001,hello\n")
    with pytest.raises(InputError, match="no column vector"):
        db.alignments.fit("text", tmp_path / "p.csv")
    with pytest.raises(E2VError, match="does not exist"):
        db.alignments.fit("text", tmp_path / "none.parquet")
    with pytest.raises(UsageError, match="needs a name"):
        db.alignments.fit(" ", tmp_path / "p.csv")


def test_cosines_beside_scipy() -> None:
    from scipy.spatial.distance import cosine

    expected = [1 - cosine(one, other) for one, other in zip(TEXTS[:9], TEXTS[9:18], strict=True)]
    assert cosines(TEXTS[:9], TEXTS[9:18]) == pytest.approx(expected, abs=1e-12)
    assert cosines(np.zeros((1, 3)), np.ones((1, 3))).tolist() == [0]


def test_command_prints_the_held_out_cosine(open_voices: Open, tmp_path: Path) -> None:
    db = open_voices(VOICES)
    file = write_vectors(tmp_path / "pairs.parquet", TEXTS)
    done = CliRunner().invoke(cli, ["--db", db.address.uri, "align", "fit", "text", str(file)])
    assert "300 pairs" in done.output
    assert "held-out cosine 0.99" in done.output
    listed = CliRunner().invoke(cli, ["--db", db.address.uri, "align", "list"])
    assert listed.output == done.output
