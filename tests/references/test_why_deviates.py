"""`why_deviates` against NumPy in double precision."""

from pathlib import Path

import duckdb
import numpy as np
import pytest

import e2vdb

from .conftest import Voices, write_call


def reasons(voices: Voices, number: int, top: int = 10) -> dict[str, dict[str, float]]:
    rows = voices.rows(f"FROM why_deviates('{voices.ids[number]}', 'good', top := {top})")
    found: dict[str, dict[str, float]] = {"dimension": {}, "band": {}, "frame": {}}
    for kind, key, contribution in rows:
        found[kind][key] = contribution
    return found


def gap(voices: Voices, number: int) -> float:
    """Return the set's mean similarity to itself less the call's, from all pairs of calls."""
    members = voices.units[:8]
    return (members @ members.T).mean() - (voices.units[number] @ members.T).mean()


@pytest.mark.parametrize("top", [1, 10, 1024, 5000])
def test_dimensions_add_up_to_the_gap(voices: Voices, top: int) -> None:
    found = reasons(voices, 25, top)["dimension"]
    assert sum(found.values()) == pytest.approx(gap(voices, 25), abs=1e-6)
    assert len(found) == min(top, 1024) + 1


def test_largest_dimensions_come_first(voices: Voices) -> None:
    mean = voices.units[:8].mean(axis=0)
    terms = mean * (mean - voices.units[25])
    found = reasons(voices, 25)["dimension"]
    assert list(found)[-1] == "rest"
    assert [int(key) for key in list(found)[:-1]] == np.argsort(-np.abs(terms))[:10].tolist()
    for key in list(found)[:-1]:
        assert found[key] == pytest.approx(terms[int(key)], abs=1e-7)


def test_bands_add_up_to_the_gap(voices: Voices) -> None:
    found = reasons(voices, 30)["band"]
    mean = voices.units[:8].mean(axis=0)
    terms = mean * (mean - voices.units[30])
    assert list(found) == ["0-127", "128-383", "384-767", "768-1023"]
    assert found["128-383"] == pytest.approx(terms[128:384].sum(), abs=1e-6)
    assert sum(found.values()) == pytest.approx(gap(voices, 30), abs=1e-6)


def test_lowest_frames_by_their_second(voices: Voices) -> None:
    mean = voices.units[:8].mean(axis=0)
    frames = voices.frames / np.linalg.norm(voices.frames, axis=1, keepdims=True)
    differences = frames @ mean - voices.units[-1] @ mean
    found = reasons(voices, -1, 5)["frame"]
    order = np.argsort(differences)[:5]
    assert list(found) == [f"{frame * 0.02:.2f}" for frame in order]
    assert list(found.values()) == pytest.approx(differences[order].tolist(), abs=1e-6)


def test_a_call_without_frames_has_no_frame_rows(voices: Voices) -> None:
    assert reasons(voices, 25)["frame"] == {}


def test_other_dimensions_have_no_bands(tmp_path: Path) -> None:
    for number, vector in enumerate(np.random.default_rng(0).normal(size=(3, 768))):
        write_call(tmp_path / "outputs" / f"c{number}", vector, "happy")
    with e2vdb.connect(tmp_path / "e2v.lancedb") as db:
        db.ingest(tmp_path / "outputs", workers=1)
        db.references.add("set", ids=["c0"])
        kinds = db.sql("SELECT DISTINCT kind FROM why_deviates('c1', 'set')").fetchall()
    assert kinds == [("dimension",)]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ("('nobody', 'good')", "There is no utterance 'nobody'."),
        ("('silent', 'good')", "The utterance 'silent' has no embedding."),
        ("('call001', 'nobody')", "There is no reference set 'nobody'"),
        ("('call001', 'good', top := 0)", "top must be at least 1, not 0."),
        ("(NULL, 'good')", "must not be NULL"),
        ("('call001', 'it''s')", 'There is no reference set "it\'s"'),
        ("('it''s', 'good')", 'There is no utterance "it\'s".'),
    ],
)
def test_bad_input_is_one_sentence_and_the_connection_lives_on(
    voices: Voices, call: str, sentence: str
) -> None:
    with pytest.raises(duckdb.Error) as caught:
        voices.rows(f"FROM why_deviates{call}")
    assert sentence in str(caught.value)
    assert reasons(voices, 1)["dimension"]
