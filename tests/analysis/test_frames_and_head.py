"""Frames: the outburst's second is found, calm calls have none; a head scores what is stored."""

import numpy as np
import pytest
from conftest_analysis import rows_of
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

import e2vdb
from e2vdb.errors import InputError
from e2vdb.ingest.labels import EMOTIONS
from e2vdb.query.change_points import change_points


@pytest.fixture(scope="session")
def head_file(db, tmp_path_factory):
    """A head fitted to the utterances, as the recogniser's own would be to speech."""
    rows = db.sql(
        "SELECT emotion, embedding FROM utterances WHERE emotion IS NOT NULL AND norm IS NOT NULL"
    ).to_arrow_table()
    vectors = np.stack(rows["embedding"].to_pylist()).astype(np.float32)
    model = LogisticRegression(C=0.03, max_iter=500).fit(vectors, rows["emotion"].to_pylist())
    assert list(model.classes_) == list(EMOTIONS)
    file = tmp_path_factory.mktemp("head") / "head.npz"
    np.savez(file, weight=model.coef_.astype(np.float32), bias=model.intercept_.astype(np.float32))
    return file


@pytest.fixture
def scored(own_db, head_file) -> e2vdb.Database:
    own_db.import_head(head_file)
    return own_db


def test_each_outburst_is_found_at_its_second(scored, planted) -> None:
    found = {row["utterance_id"]: row for row in rows_of(scored, "FROM first_outburst('angry')")}
    assert set(found) == set(planted.truth["outbursts"])
    for name, second in planted.truth["outbursts"].items():
        assert found[name]["at_s"] == pytest.approx(second, abs=0.1)
        assert found[name]["score"] > 0.5


def test_calm_calls_have_no_outburst(scored) -> None:
    assert rows_of(scored, "FROM first_outburst('fearful')") == []


def test_the_head_gives_the_scores_of_scipy(scored, head_file) -> None:
    stored = np.load(head_file)
    frames = scored.sql(
        f"SELECT embedding, emotion, {', '.join(EMOTIONS)}, e2v_emotion(embedding) AS said "
        "FROM frames ORDER BY utterance_id, frame_index LIMIT 500"
    ).to_arrow_table()
    vectors = np.stack(frames["embedding"].to_pylist()).astype(np.float64)
    expected = softmax(vectors @ stored["weight"].T.astype(float) + stored["bias"], axis=1)
    found = np.stack([frames[emotion].to_numpy() for emotion in EMOTIONS], axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    said = [[row[emotion] for emotion in EMOTIONS] for row in frames["said"].to_pylist()]
    np.testing.assert_allclose(said, expected, atol=1e-4)
    names = [EMOTIONS[i] for i in expected.argmax(axis=1)]
    assert frames["emotion"].to_pylist() == names


def test_later_ingests_apply_the_head(scored, planted, tmp_path) -> None:
    source = planted.folder / "outputs" / next(iter(planted.truth["outbursts"]))
    target = tmp_path / "later" / "outputs_20250101_090000"
    target.mkdir(parents=True)
    for file in source.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    scored.ingest(tmp_path / "later")
    both = rows_of(
        scored,
        "SELECT DISTINCT at_s FROM first_outburst('angry') "
        f"WHERE utterance_id LIKE '%20250101_090000' OR utterance_id LIKE '%{source.name}'",
    )
    assert len(both) == 1
    unscored = "SELECT count(*) AS n FROM frames WHERE emotion IS NULL"
    assert rows_of(scored, unscored) == [{"n": 0}]


def test_another_head_replaces_what_the_first_said(scored, head_file, tmp_path) -> None:
    stored = np.load(head_file)
    turned = tmp_path / "turned.npz"
    labels = [EMOTIONS[(i + 1) % 9] for i in range(9)]
    np.savez(turned, W=stored["weight"], b=stored["bias"], labels=labels)
    before = scored.sql("FROM frames").to_arrow_table()
    assert scored.import_head(turned).frames == before.num_rows
    after = scored.sql("FROM frames").to_arrow_table()
    assert after.schema.names == before.schema.names
    assert after["embedding"].equals(before["embedding"])
    assert after["disgusted"].to_pylist() == pytest.approx(before["angry"].to_pylist(), abs=1e-6)


def test_what_a_directory_said_of_its_frames_stays(own_db, planted, head_file, tmp_path) -> None:
    source = planted.folder / "outputs" / next(iter(planted.truth["outbursts"]))
    target = tmp_path / "said" / "outputs_20250101_090000"
    target.mkdir(parents=True)
    np.save(target / "frame_embeddings.npy", np.load(source / "frame_embeddings.npy")[:4])
    said = [
        {"time": i * 0.02, "emotion": "sad", "scores": {"sad": 0.9, "happy": 0.1}} for i in range(4)
    ]
    import json

    (target / "result_frame.json").write_text(json.dumps({"granularity": "frame", "frames": said}))
    own_db.ingest(tmp_path / "said")
    own = "SELECT DISTINCT emotion FROM frames WHERE utterance_id LIKE '%20250101_090000'"
    assert rows_of(own_db, own) == [{"emotion": "sad"}]
    own_db.import_head(head_file)
    own_db.import_head(head_file)
    assert rows_of(own_db, own) == [{"emotion": "sad"}]


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"weight": np.ones((9, 768))}, r"exactly one float array of shape \[9, 1024\]"),
        ({"weight": np.ones((9, 1024))}, r"exactly one float array of shape \[9\]"),
        ({"w": np.full((9, 1024), np.nan), "b": np.ones(9)}, "NaN"),
        ({"w": np.ones((9, 1024)), "b": np.ones(9), "labels": ["x"] * 9}, "nine emotions once"),
        ({"w": np.array([{}], object)}, r"no \.npz file of plain arrays"),
    ],
)
def test_a_head_that_does_not_fit_is_refused(own_db, tmp_path, arrays, said) -> None:
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(InputError, match=said):
        own_db.import_head(tmp_path / "bad.npz")
    assert rows_of(own_db, "FROM heads") == []


def test_shifts_lie_in_the_outburst_and_are_the_farthest_frames(db, planted) -> None:
    for name, second in planted.truth["outbursts"].items():
        found = rows_of(db, "FROM emotion_shifts($id, k := 20)", {"id": name})
        assert all(second - 0.1 <= row["start_s"] for row in found)
        assert all(row["end_s"] <= second + planted.truth["outburst_s"] + 0.1 for row in found)
        lengths = [round((row["end_s"] - row["start_s"]) / 0.02) for row in found]
        assert sum(lengths) == 20
        assert [row["rank"] for row in found] == list(range(1, len(found) + 1))
        farthest = rows_of(
            db,
            "SELECT max(distance) AS d, arg_max(frame_index, distance) AS f FROM frames "
            "WHERE utterance_id = $id",
            {"id": name},
        )[0]
        assert (found[0]["frame_index"], found[0]["distance"]) == (farthest["f"], farthest["d"])


def test_the_feeling_turns_where_the_outburst_begins_and_ends(scored, planted) -> None:
    for name, second in planted.truth["outbursts"].items():
        found = rows_of(scored, "FROM change_points($id)", {"id": name})
        starts = [row["start_s"] for row in found]
        assert min(abs(start - second) for start in starts) <= 0.1
        end = second + planted.truth["outburst_s"]
        assert min(abs(start - end) for start in starts) <= 0.1
        assert [row["start_s"] for row in found[1:]] == [row["end_s"] for row in found[:-1]]
        angry = [row for row in found if row["angry"] > 0.5]
        assert len(angry) == 1


def test_nothing_turns_in_noise_nor_where_the_outburst_is_cut_out(db, planted) -> None:
    rng = np.random.default_rng(0)
    assert change_points(rng.standard_normal((3000, 24))) == []
    for name, second in planted.truth["outbursts"].items():
        rows = db.sql(
            "SELECT distilled FROM frames WHERE utterance_id = $id AND "
            "(start_s < $from OR start_s >= $until) ORDER BY frame_index",
            {"id": name, "from": second - 0.01, "until": second + 1.49},
        ).fetchall()
        calm = np.array([row[0] for row in rows])
        assert len(change_points(calm)) <= 1
    assert change_points(np.zeros((500, 3))) == []
    assert change_points(rng.standard_normal((20, 3))) == []


def test_the_timeline_covers_the_call(db, planted) -> None:
    name = next(iter(planted.truth["outbursts"]))
    frames = db.sql(
        "SELECT start_s, distance FROM frames WHERE utterance_id = $id", {"id": name}
    ).df()
    found = db.sql("FROM frame_timeline($id, step_s := 1)", {"id": name}).df()
    assert found["frames"].sum() == len(frames)
    means = frames.groupby(np.floor(frames["start_s"] + 1e-9))["distance"].mean()
    np.testing.assert_allclose(found["distance"], means, rtol=1e-5)
    assert list(found["start_s"]) == list(means.index)


def test_without_a_head_or_a_call_the_answer_is_plain(db) -> None:
    with pytest.raises(Exception, match="There is no classifier head yet"):
        db.sql("SELECT e2v_emotion(embedding) FROM utterances LIMIT 1").fetchall()
    for macro in ("change_points", "emotion_shifts", "frame_timeline"):
        assert rows_of(db, f"FROM {macro}('nobody')") == []
