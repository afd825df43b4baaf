"""One voice assessed: against the SQL functions, NumPy, and a recogniser that stands in."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import e2vdb
from e2vdb import Database
from e2vdb.errors import InputError, UsageError
from e2vdb.query.assessment import Assessment

ONE = "outputs_20240104_094705"


@pytest.fixture(scope="module")
def address(demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    address = demo.copy(tmp_path_factory.mktemp("assessed"))
    with e2vdb.connect(address) as db:
        db.references.add("excellent", where="agent = '周敏' AND emotion = 'happy'")
        db.cluster("voices", k=4)
        db.label_cluster("voices", 0, "calm")
    return address


@pytest.fixture(scope="module")
def db(address: Path):
    with e2vdb.connect(address) as opened:
        yield opened


def assess(db: Database, what: object, **choices: object) -> Assessment:
    return db.assess(what, **choices)  # type: ignore[arg-type]


def test_the_same_however_it_is_named(db: Database, demo) -> None:
    folder = demo.outputs / ONE
    vector = db.vector(ONE)
    by_id, by_folder = assess(db, ONE), assess(db, folder)
    by_file, by_vector = assess(db, folder / "embedding.npy"), assess(db, vector)
    for one in (by_folder, by_file, by_vector):
        assert one.similarity == pytest.approx(by_id.similarity, abs=1e-7)
        assert (one.verdict, one.cluster) == (by_id.verdict, by_id.cluster)
        assert one.nearest[0].utterance_id == ONE
        assert [call.utterance_id for call in one.nearest[1:]] == [
            call.utterance_id for call in by_id.nearest[:-1]
        ]
    assert assess(db, str(folder)).emotion == by_id.emotion
    assert assess(db, vector.reshape(1, -1)).verdict == assess(db, vector.tolist()).verdict
    assert by_vector.emotion is None
    said = json.loads((folder / "result.json").read_text("utf-8"))
    assert (by_folder.emotion, by_folder.scores) == (
        said["emotion"],
        pytest.approx(said["scores"]),
    )


def test_against_sql(db: Database) -> None:
    rows = db.sql("FROM quality_check('excellent')").fetchall()
    seen = set()
    for utterance_id, similarity, _, _, verdict in rows[:3] + rows[150:153] + rows[-3:]:
        found = assess(db, utterance_id, k=3)
        seen.add(verdict)
        assert found.similarity == pytest.approx(similarity, abs=1e-6)
        assert (found.verdict, found.reference) == (verdict, "excellent")
        near = db.sql(
            "SELECT utterance_id, similarity, agent, emotion FROM similar_calls($id, k := 3)",
            {"id": utterance_id},
        ).fetchall()
        assert [(n.utterance_id, n.similarity, n.agent, n.emotion) for n in found.nearest] == near
        query = "SELECT cluster, label FROM clusters WHERE name = 'voices' AND utterance_id = $id"
        ((cluster, label),) = db.sql(query, {"id": utterance_id}).fetchall()
        assert (found.cluster, found.cluster_label) == (cluster, label)
    assert seen == {"pass", "review", "risk"}


def test_reasons_say_why(db: Database) -> None:
    worst = db.sql("FROM quality_check('excellent') LIMIT 1").fetchall()[0][0]
    found = assess(db, worst)
    text = " ".join(found.reasons)
    assert f"{found.similarity:.3f}, below 0.60, where risk begins" in text
    assert f"{found.emotion} scores {found.scores[found.emotion]:.2f}" in text
    assert "nearest calls" in text
    assert f"cluster {found.cluster}" in text
    profile = db.references.profile("excellent")
    unit = db.vector(worst).astype(np.float64)
    terms = profile.mean * (profile.mean - unit / np.linalg.norm(unit))
    named = ", ".join(map(str, np.argsort(-terms)[:3]))
    assert f"The dimensions that differ most are {named}." in found.reasons
    assert all(one.endswith(".") and "\n" not in one for one in found.reasons)
    assert not any("dimensions" in one for one in assess(db, worst, least_pass=0.1,
                                                         least_review=0.1).reasons)  # fmt: skip


def test_which_set_and_which_clustering(address: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(address, tmp_path / "db"))
    with e2vdb.connect(copy) as db:
        db.references.add("other", ids=[ONE])
        with pytest.raises(UsageError, match="2 reference sets, excellent, other"):
            assess(db, ONE)
        assert assess(db, ONE, reference="other").similarity == pytest.approx(1)
        with pytest.raises(UsageError, match="no reference set 'none'"):
            assess(db, ONE, reference="none")
        db.references.remove("other")
        db.references.remove("excellent")
        found = assess(db, ONE)
        assert (found.verdict, found.similarity, found.reference) == (None, None, None)
        db.cluster("later", k=2)
        assert assess(db, ONE).clustering == "later"
        assert assess(db, ONE, clustering="voices").clustering == "voices"
        with pytest.raises(UsageError, match="no clustering 'x'"):
            assess(db, ONE, clustering="x")
        db.remove_clustering("later")
        db.remove_clustering("voices")
        assert assess(db, ONE).cluster is None


def test_a_recording(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Rated:
        value = 0.2

    class Heard:
        embedding = db.vector(ONE)
        emotion, scores, quality = "sad", {"sad": 0.7, "angry": 0.3}, Rated()

    asked: list[tuple] = []

    def recognise(path: Path, model: str | None) -> Heard:
        asked.append((path, model))
        return Heard()

    monkeypatch.setattr(db, "recognise", recognise)
    file = tmp_path / "new.wav"
    file.write_bytes(b"RIFF")
    found = assess(db, file)
    assert (found.emotion, found.scores) == ("sad", {"sad": 0.7, "angry": 0.3})
    assert found.nearest[0].utterance_id == ONE
    assert "quality is 0.20" in found.reasons[0]
    assess(db, str(file), model="tiny")
    assert asked == [(file, None), (file, "tiny")]


def test_the_stored_head_says_the_emotion(address: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(address, tmp_path / "db"))
    rng = np.random.default_rng(0)
    weight, bias = rng.standard_normal((9, 1024)) * 0.01, rng.standard_normal(9)
    np.savez(tmp_path / "head.npz", weight=weight, bias=bias)
    with e2vdb.connect(copy) as db:
        db.import_head(tmp_path / "head.npz")
        vector = db.vector(ONE)
        found = assess(db, vector)
        logits = weight.astype(np.float32) @ vector + bias.astype(np.float32)
        powers = np.exp(logits - logits.max())
        assert list(found.scores.values()) == pytest.approx(powers / powers.sum(), abs=1e-5)
        assert found.emotion == max(found.scores, key=found.scores.__getitem__)
        said = db.sql("SELECT emotion FROM calls WHERE utterance_id = $id", {"id": ONE})
        assert assess(db, ONE).emotion == said.fetchall()[0][0]  # a result's own word counts more


def test_an_empty_database(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(tmp_path / "in")
        found = assess(db, np.ones(1024))
    assert (found.verdict, found.cluster, found.nearest) == (None, None, ())


@pytest.mark.parametrize(
    ("what", "error", "part"),
    [
        ("nobody", UsageError, "no utterance 'nobody', and no file or directory"),
        ("", UsageError, "no path and no utterance"),
        ("a\0b", UsageError, "no path"),
        (np.ones(7), UsageError, "7 values, the database's have 1024"),
        (np.zeros(1024), UsageError, "all zero"),
        (np.full(1024, np.nan), UsageError, "NaN"),
        (np.ones((2, 1024)), UsageError, "one vector"),
        ({"a": 1}, UsageError, "not a dict"),
        (None, UsageError, "NaN|not a NoneType|shape"),
    ],
)
def test_mistakes(db: Database, what: object, error: type[Exception], part: str) -> None:
    with pytest.raises(error, match=part):
        assess(db, what)


def test_files_that_are_none(db: Database, tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(b"no")
    with pytest.raises(InputError, match="unreadable_npy"):
        assess(db, tmp_path / "x.npy")
    with pytest.raises(InputError, match="unreadable_file"):
        assess(db, tmp_path / "none.npy")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no recording"):
        assess(db, tmp_path / "empty")
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "result.json").write_text("{}")
    with pytest.raises(InputError, match="holds no embedding"):
        assess(db, tmp_path / "only")
    with pytest.raises(UsageError, match="k must be at least 1"):
        assess(db, ONE, k=0)
