"""From recordings to rows: columns, the head, and search by a recording."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from build import write_output
from running import e2vdb as run
from running import e2vdb_process
from sounds import make_model, noise, speech, write_wav

import e2vdb
from e2vdb import Database
from e2vdb.audio import recognise
from e2vdb.audio.options import EmbedOptions
from e2vdb.errors import UsageError
from e2vdb.ingest.labels import EMOTIONS


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with e2vdb.connect(tmp_path / "voices.lancedb") as database:
        yield database


@pytest.fixture
def calls(tmp_path: Path) -> list[Path]:
    paths = [write_wav(tmp_path / f"call_{seed}.wav", speech(2, seed)) for seed in range(3)]
    loud = speech(2, 9) + noise(2, -25)
    return [*paths, write_wav(tmp_path / "noisy.wav", np.stack([loud, loud], axis=1))]


def rows(db: Database, query: str) -> list[tuple]:
    return db.sql(query).fetchall()


def test_rows_say_what_was_heard(tmp_path, db, calls, model):
    done, ingested = db.embed(calls, tmp_path / "out", EmbedOptions(model, frames=True))
    assert (len(done.made), ingested.inserted, ingested.rejected) == (4, 4, 0)
    query = (
        "SELECT audio_file, channel, model, quality, duration_s, n_frames, sample_rate FROM calls"
    )
    found = {row[0]: row[1:] for row in rows(db, query)}
    assert found.keys() == {str(path) for path in calls}
    for path in calls:
        channel, name, quality, duration, n_frames, rate = found[str(path)]
        heard = recognise(path, model)
        assert (channel, name) == ("mono", str(Path(model).resolve()))
        assert quality == pytest.approx(heard.quality.value, abs=1e-4)
        assert (duration, n_frames, rate) == (pytest.approx(2), 99, 16000)
    assert found[str(calls[-1])][2] < min(found[str(path)][2] for path in calls[:-1])


def test_no_warning_is_due_but_for_the_size_of_random_weights(tmp_path, db, calls, model):
    db.embed(calls, tmp_path / "out", EmbedOptions(model, frames=True))
    codes = {code for (codes,) in rows(db, "SELECT warnings FROM utterances") for code in codes}
    assert codes <= {"out_of_range", "norm_outlier"}


def test_frames_carry_the_models_emotions(tmp_path, db, calls, model):
    db.embed(calls[:1], tmp_path / "out", EmbedOptions(model, frames=True))
    (folder,) = (tmp_path / "out").iterdir()
    said = json.loads((folder / "result_frame.json").read_text())["frames"]
    columns = ", ".join(EMOTIONS)
    query = f"SELECT start_s, emotion, {columns} FROM frames ORDER BY frame_index"
    for row, one in zip(rows(db, query), said, strict=True):
        assert row[:2] == (pytest.approx(one["time"]), one["emotion"])
        assert row[2:] == pytest.approx([one["scores"][name] for name in EMOTIONS], abs=1e-6)


def test_the_head_is_there_after_the_first_use(tmp_path, db, calls, model):
    db.embed(calls, tmp_path / "out", EmbedOptions(model))
    assert len(rows(db, "FROM heads")) == 1
    query = f"SELECT e2v_emotion(embedding), {', '.join(EMOTIONS)} FROM utterances"
    for scores, *stored in rows(db, query):
        assert [scores[name] for name in EMOTIONS] == pytest.approx(stored, abs=1e-5)
    db.embed(calls, tmp_path / "out", EmbedOptions(model))
    assert len(rows(db, "FROM heads")) == 1


def test_the_head_scores_frames_that_have_no_emotion_yet(tmp_path, db, calls, model):
    db.embed(calls[:1], tmp_path / "out", EmbedOptions(model, frames=True))
    (folder,) = (tmp_path / "out").iterdir()
    expected = json.loads((folder / "result_frame.json").read_text())["frames"]
    (folder / "result_frame.json").unlink()
    db.ingest(tmp_path / "out")
    found = rows(db, "SELECT angry FROM frames ORDER BY frame_index")
    # Frames are kept in half precision, so the head sees them rounded.
    assert [row[0] for row in found] == pytest.approx(
        [one["scores"]["angry"] for one in expected], abs=2e-3
    )


def test_a_head_of_the_users_own_stays(tmp_path, db, calls, model):
    write_output(tmp_path / "out")
    db.ingest(tmp_path / "out")
    np.savez(
        tmp_path / "own.npz", weight=np.zeros((9, 1024), np.float32), bias=np.zeros(9, np.float32)
    )
    db.import_head(tmp_path / "own.npz")
    db.embed(calls, tmp_path / "out", EmbedOptions(model))
    assert rows(db, "SELECT source FROM heads") == [("own.npz",)]


def test_another_dimension_is_refused_before_anything_is_heard(
    tmp_path, db, calls, model, model_768
):
    db.embed(calls[:1], tmp_path / "out", EmbedOptions(model))
    with pytest.raises(UsageError, match=r"gives vectors of 768 values, .* holds vectors of 1024"):
        db.embed(calls, tmp_path / "out768", EmbedOptions(model_768))
    assert list((tmp_path / "out768").iterdir()) == []
    with pytest.raises(UsageError, match="gives vectors of 768 values"):
        db.search(str(calls[0]), model=model_768)


def test_a_new_database_takes_the_models_dimension(tmp_path, db, calls, model_768):
    db.embed(calls[:2], tmp_path / "out", EmbedOptions(model_768))
    assert db.info().dimension == 768
    assert db.search(str(calls[0]), 1).table["similarity"].to_pylist() == [pytest.approx(1)]


def test_two_models_of_one_dimension_are_warned_of(tmp_path, db, calls, model, models):
    other = str(make_model(models / "other1024", seed=8))
    db.embed(calls[:1], tmp_path / "out", EmbedOptions(model))
    _, ingested = db.embed(calls[:1], tmp_path / "out", EmbedOptions(other))
    assert any("they do not compare" in note for note in ingested.notes)


@pytest.mark.parametrize(
    ("said", "expected"),
    [("0.25", [0.25]), ("1", [1.0]), ("", None), ("7", None)],
)
def test_metadata_has_the_last_word_on_quality(tmp_path, db, calls, model, said, expected):
    db.embed(calls[:1], tmp_path / "out", EmbedOptions(model))
    own = rows(db, "SELECT quality FROM utterances")
    (folder,) = (tmp_path / "out").iterdir()
    file = tmp_path / "calls.csv"
    file.write_text(f"output_dir,quality\n{folder.name},{said}\nelsewhere,0.5\n")
    db.load_metadata(file)
    found = rows(db, "SELECT quality FROM calls")
    assert found == (own if expected is None else [tuple(expected)])


def test_quality_in_words_is_another_thing(tmp_path, db, calls, model):
    db.embed(calls[:1], tmp_path / "out", EmbedOptions(model))
    (folder,) = (tmp_path / "out").iterdir()
    (tmp_path / "calls.csv").write_text(f"output_dir,quality\n{folder.name},good\n")
    db.load_metadata(tmp_path / "calls.csv")
    ((quality, said),) = rows(db, "SELECT quality, metadata_quality FROM calls")
    assert 0 < quality <= 1
    assert said == "good"


def test_quality_feeds_e2v_robust_and_similar_to(tmp_path, db, calls, model):
    db.embed(calls, tmp_path / "out", EmbedOptions(model))
    query = (
        "SELECT c.quality, u.embedding, e2v_robust(u.embedding, c.quality) "
        "FROM calls c JOIN utterances u USING (utterance_id)"
    )
    changed = []
    for quality, vector, robust in rows(db, query):
        same = np.array_equal(vector, robust)
        assert same == (quality >= 0.4)
        changed.append(not same)
    assert any(changed)
    found = rows(
        db,
        "FROM similar_to(e2v_embedding((SELECT min(utterance_id) FROM calls)), k := 2, "
        "quality := (SELECT quality FROM calls ORDER BY utterance_id LIMIT 1))",
    )
    assert len(found) == 2


def test_search_hears_with_the_databases_own_model(tmp_path, db, calls, model):
    db.embed(calls, tmp_path / "out", EmbedOptions(model))
    vector = recognise(calls[1], model).embedding
    heard, given = db.search(calls[1], 3), db.search(vector, 3)
    assert heard.table["utterance_id"].to_pylist() == given.table["utterance_id"].to_pylist()
    assert heard.table["similarity"].to_pylist()[0] == pytest.approx(1, abs=1e-6)


def test_search_saves_the_head_of_a_database_without_one(tmp_path, db, calls, model):
    from e2vdb.audio.embed import embed

    embed(calls[:2], tmp_path / "out", EmbedOptions(model))
    db.ingest(tmp_path / "out")
    assert rows(db, "FROM heads") == []
    db.search(calls[0], 1)
    assert len(rows(db, "FROM heads")) == 1


def test_search_in_the_past_writes_nothing(tmp_path, db, calls, model):
    from e2vdb.audio.embed import embed

    embed(calls[:2], tmp_path / "out", EmbedOptions(model))
    db.ingest(tmp_path / "out")
    db.tag("before")
    with e2vdb.connect(db.address.uri, as_of="before") as past:
        assert past.search(calls[0], 1).table.num_rows == 1
    assert rows(db, "FROM heads") == []


def test_search_without_a_known_model_says_what_to_do(tmp_path, db, calls, model):
    write_output(tmp_path / "out")
    db.ingest(tmp_path / "out")
    with pytest.raises(
        UsageError, match="says which model recognised it; name the model with --model"
    ):
        db.search(calls[0])
    assert db.search(calls[0], 1, model=model).table.num_rows == 1


def test_search_says_where_the_model_was(tmp_path, db, calls):
    gone = make_model(tmp_path / "gone", 768, seed=4)
    db.embed(calls[:1], tmp_path / "out", EmbedOptions(str(gone)))
    gone.rename(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match=r"does not exist.*recognised with it; say with --model"):
        db.search(calls[0])
    assert db.search(calls[0], 1, model=str(tmp_path / "elsewhere")).table.num_rows == 1


def test_the_command_from_recordings_to_an_answer(tmp_path, calls, model):
    db = ("--db", tmp_path / "cli.lancedb")
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no sound")
    words = ("embed", *calls, bad, "--out", tmp_path / "out", "--model", model, "--ingest")
    done = run(*db, *words)
    assert done.code == 0
    assert sorted(done.out.split()) == sorted(map(str, (tmp_path / "out").iterdir()))
    assert "5 recordings: 4 recognised, 0 done before, 1 rejected" in done.err
    assert f"rejected {bad}: unreadable_audio: " in done.err
    assert "4 inserted" in done.err
    again = json.loads(run(*db, *words, "--json").out)
    assert (again["made"], again["done_before"], again["ingest"]["unchanged"]) == ([], 4, 4)
    assert [one["code"] for one in again["rejects"]] == ["unreadable_audio"]
    found = run(*db, "search", calls[2], "-k", "1", "--format", "jsonl")
    assert json.loads(found.out)["similarity"] == pytest.approx(1, abs=1e-6)
    filtered = run(*db, "search", calls[2], "--where", "quality < 0.4", "--format", "jsonl")
    assert len(filtered.out.splitlines()) == 1


def test_nothing_but_rejects_is_a_failure(tmp_path, model):
    done = run("embed", tmp_path / "gone.wav", "--out", tmp_path / "out", "--model", model)
    assert done.code == 1
    assert "rejected" in done.err


def test_the_model_may_come_from_the_environment(tmp_path, calls, model):
    done = run("embed", calls[0], "--out", tmp_path / "out", env={"E2VDB_MODEL": model})
    assert (done.code, len(done.out.split())) == (0, 1)


def test_a_name_that_is_no_text_is_printed_all_the_same(tmp_path, model):
    odd = Path(os.fsdecode(os.fsencode(str(tmp_path)) + b"/\xff\xfe.wav"))
    odd.write_bytes(b"no sound")
    good = write_wav(Path(os.fsdecode(os.fsencode(str(tmp_path)) + b"/\xfd.wav")), speech(0.3))
    words = ("embed", odd, good, "--out", tmp_path / "out", "--model", model)
    done = e2vdb_process(*words)
    assert done.code == 0
    assert "\\xff\\xfe.wav: unreadable_audio" in done.err
    assert json.loads(e2vdb_process(*words, "--json").out)["done_before"] == 1
