"""`quality_check` against NumPy in double precision."""

from pathlib import Path

import duckdb
import lance
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import e2vdb
from e2vdb.references import quality
from e2vdb.references.profile import read_profile
from e2vdb.references.quality import QualityCheck

from .conftest import Voices, write_call


def expected(units: np.ndarray, members: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return mean cosines and the largest cosine to another member, the article's slow way."""
    cosines = units @ units[members].T
    mean = cosines.mean(axis=1)
    cosines[members, np.arange(len(members))] = -np.inf
    return mean, cosines.max(axis=1)


def test_equals_the_mean_of_all_cosines(voices: Voices) -> None:
    rows = voices.rows("FROM quality_check('good') ORDER BY utterance_id")
    mean, nearest = expected(voices.units, list(range(8)))
    assert [row[0] for row in rows] == voices.ids  # `silent` has no vector and no row
    assert np.array([row[1] for row in rows]) == pytest.approx(mean, abs=1e-6)
    assert np.array([row[3] for row in rows]) == pytest.approx(nearest, abs=1e-6)
    for own, row in zip(voices.units, rows, strict=True):
        assert row[2] != row[0]
        assert own @ voices.units[voices.ids.index(row[2])] == pytest.approx(row[3], abs=1e-6)


def test_verdicts_follow_the_thresholds(voices: Voices) -> None:
    rows = voices.rows("FROM quality_check('good', pass := 0.5, review := 0.2)")
    assert {row[4] for row in rows} == {"pass", "review", "risk"}
    for _, similarity, _, _, verdict in rows:
        named = "pass" if similarity >= 0.5 else "review" if similarity >= 0.2 else "risk"
        assert verdict == named


def test_farthest_calls_come_first(voices: Voices) -> None:
    found = [row[1] for row in voices.rows("FROM quality_check('good')")]
    assert found == sorted(found)


def test_columns_have_the_promised_names_and_types(voices: Voices) -> None:
    described = voices.rows("DESCRIBE FROM quality_check('good')")
    assert [(name, kind) for name, kind, *_ in described] == [
        ("utterance_id", "VARCHAR"),
        ("similarity", "DOUBLE"),
        ("nearest_id", "VARCHAR"),
        ("nearest_similarity", "DOUBLE"),
        ("verdict", "VARCHAR"),
    ]


def test_joins_and_answers_for_several_sets_in_one_statement(voices: Voices) -> None:
    voices.db.references.add("bad", where="emotion = 'angry'")
    rows = voices.rows(
        "SELECT name, emotion, count(*) FROM (VALUES ('good'), ('bad')) AS sets(name), "
        "quality_check(name) JOIN calls USING (utterance_id) GROUP BY ALL ORDER BY ALL"
    )
    assert rows == [
        ("bad", "angry", 20),
        ("bad", "happy", 20),
        ("good", "angry", 20),
        ("good", "happy", 20),
    ]


def test_a_set_of_one_call_has_no_nearest_for_that_call(voices: Voices) -> None:
    voices.db.references.add("one", ids=[voices.ids[3]])
    rows = voices.rows("FROM quality_check('one') WHERE utterance_id = $id", id=voices.ids[3])
    assert rows == [(voices.ids[3], pytest.approx(1, abs=1e-6), None, None, "pass")]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("FROM quality_check('nobody')", "There is no reference set 'nobody'"),
        ("FROM quality_check(NULL)", "must not be NULL"),
        ("FROM quality_check('good', pass := NULL)", "must not be NULL"),
        ("FROM quality_check('good', pass := 0.5, review := 0.6)", "pass (0.5) and review (0.6)"),
        ("FROM quality_check('good', pass := 1.5)", "pass (1.5)"),
        ("FROM quality_check('good', pass := 'nan'::DOUBLE)", "pass (nan)"),
    ],
)
def test_bad_input_is_one_sentence_and_the_connection_lives_on(
    voices: Voices, query: str, sentence: str
) -> None:
    with pytest.raises(duckdb.Error) as caught:
        voices.rows(query)
    assert sentence in str(caught.value)
    assert voices.rows("SELECT count(*) FROM quality_check('good')") == [(40,)]


def test_an_empty_database_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "outputs").mkdir()
    with e2vdb.connect(tmp_path / "e2v.lancedb") as db:
        db.ingest(tmp_path / "outputs", workers=1)
        assert db.sql("FROM quality_check('good')").fetchall() == []
        assert db.sql("FROM why_deviates('call', 'good')").fetchall() == []


def test_new_calls_and_changed_vectors_are_in_at_once(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(5, 16))
    for number in range(4):
        write_call(tmp_path / "outputs" / f"c{number}", vectors[number], "happy")
    with e2vdb.connect(tmp_path / "e2v.lancedb") as db:
        db.ingest(tmp_path / "outputs", workers=1)
        db.references.add("set", ids=["c0", "c1"])
        plain = db.connection()
        count = "SELECT count(*), round(sum(similarity), 5) FROM quality_check('set')"
        assert plain.sql(count).fetchall()[0][0] == 4
        write_call(tmp_path / "outputs" / "c4", vectors[4], "sad")
        vectors[0] = -vectors[1]  # the set's mean becomes zero
        np.save(tmp_path / "outputs" / "c0" / "embedding.npy", vectors[:1].astype(np.float32))
        db.ingest(tmp_path / "outputs", workers=1)
        assert db.sql(count).fetchall() == [(5, 0.0)]
        assert plain.sql(count).fetchall() == [(5, 0.0)]


def test_the_past_has_its_own_sets(tmp_path: Path) -> None:
    for number, vector in enumerate(np.random.default_rng(2).normal(size=(3, 8))):
        write_call(tmp_path / "outputs" / f"c{number}", vector, "happy")
    with e2vdb.connect(tmp_path / "e2v.lancedb") as db:
        db.ingest(tmp_path / "outputs", workers=1)
        db.references.add("set", ids=["c0"])
        db.tag("before")
        db.references.remove("set")
    with e2vdb.connect(tmp_path / "e2v.lancedb", as_of="before") as past:
        assert len(past.sql("FROM quality_check('set')").fetchall()) == 3


def tables(folder: Path, vectors: np.ndarray, members: list[int]) -> tuple:
    """Write vectors in fragments of 64 rows beside a set, as plain Lance tables."""
    ids = pa.array([f"{number:05d}" for number in range(len(vectors))])
    dimension = vectors.shape[1]
    values = pa.array(vectors.astype(np.float32).ravel())
    column = pa.FixedSizeListArray.from_arrays(values, dimension)
    rows = pa.table({"utterance_id": ids, "embedding": column})
    utterances = lance.write_dataset(rows, folder / "u", mode="overwrite", max_rows_per_file=64)
    named = pa.table({"name": ["s"] * len(members), "utterance_id": ids.take(pa.array(members))})
    return lance.write_dataset(named, folder / "r", mode="overwrite"), utterances


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(1, 200),
    dimension=st.integers(1, 40),
    scale=st.sampled_from([1e-30, 1.0, 1e30]),
    duplicated=st.booleans(),
    chunk=st.sampled_from([3, 4096]),
)
def test_hostile_vectors_equal_brute_force(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    rows: int,
    dimension: int,
    scale: float,
    duplicated: bool,
    chunk: int,
) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(rows, dimension)) * scale
    if duplicated:
        vectors = vectors[rng.integers(0, max(1, rows // 4), rows)]
    vectors = vectors.astype(np.float32)
    members = sorted(rng.choice(rows, rng.integers(1, rows + 1), replace=False).tolist())
    sets, utterances = tables(tmp_path_factory.mktemp("lance"), vectors, members)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quality, "_SET_ROWS", chunk)
        found = QualityCheck().table(utterances, read_profile(sets, utterances, "s"), (0.75, 0.6))
    exact = vectors.astype(np.float64)
    units = exact / np.linalg.norm(exact, axis=1, keepdims=True)
    mean, nearest = expected(units, members)
    assert found["similarity"].to_numpy() == pytest.approx(mean, abs=1e-5)
    alone = ~np.isfinite(nearest)
    assert found["nearest_id"].is_null().to_numpy().tolist() == alone.tolist()
    assert found["nearest_similarity"].to_numpy()[~alone] == pytest.approx(
        nearest[~alone], abs=1e-5
    )


def test_only_new_fragments_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.random.default_rng(3).normal(size=(130, 4))
    sets, utterances = tables(tmp_path, vectors, [0, 1])
    profile, check = read_profile(sets, utterances, "s"), QualityCheck()
    compared: list[int] = []
    plain = quality._fragment
    monkeypatch.setattr(
        quality, "_fragment", lambda one, set_: compared.append(1) or plain(one, set_)
    )
    first = check.table(utterances, profile, (0.75, 0.6))
    assert len(compared) == 3
    lance.write_dataset(utterances.to_table().slice(0, 10), utterances.uri, mode="append")
    more = check.table(lance.dataset(utterances.uri), profile, (0.75, 0.6))
    assert len(compared) == 4
    assert more.slice(0, 130).equals(first)
