"""A refit: every row's new vector in one commit, embeddings left as they lie."""

from pathlib import Path

import lance
import lancedb
import numpy as np
import pytest
from sklearn.decomposition import PCA
from test_pca import clustered, same_up_to_sign, unit, write
from trees import data_files, row, table, versions, write_output, write_tree

import e2vdb
import e2vdb.distill.fit as fitting
from e2vdb.errors import UsageError

VECTORS = clustered(320)


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """300 rows, then 20 more with one replaced, so that there are fragments and deletions."""
    root = write(tmp_path / "outputs", VECTORS[:300])
    write_tree(root, range(7000, 7003), frames=5)
    with e2vdb.connect(tmp_path / "db") as opened:
        opened.ingest(root)
        write(root, VECTORS[300:], first=300)
        write_output(root / "call00007", 7, emotion="sad")
        np.save(root / "call00007" / "embedding.npy", VECTORS[7])
        opened.ingest(root)
    return tmp_path / "db"


def stored(db: Path, column: str) -> list:
    return table(db, "utterances").sort_by("utterance_id")[column].to_pylist()


def test_every_row_gets_the_new_vector_and_embeddings_stay(db: Path) -> None:
    before = {name: data_files(db, name) for name in ("utterances", "frames")}
    bytes_before = {
        path: path.read_bytes() for name in before for path in (db / f"{name}.lance/data").iterdir()
    }
    old, embeddings, numbers = row(db, "call00003"), stored(db, "embedding"), versions(db)
    with e2vdb.connect(db) as opened:
        fitted = opened.distill(0.6)
        assert opened.settings().variance == 0.6
        assert opened.info().distiller.dimensions == fitted.dimensions < len(old["distilled"])
        (kind,) = opened.sql("SELECT DISTINCT typeof(distilled) FROM utterances").fetchall()
        assert kind == (f"FLOAT[{fitted.dimensions}]",)
    after = versions(db)
    assert after["utterances"] == numbers["utterances"] + 1
    assert after["frames"] == numbers["frames"] + 1
    assert all(path.read_bytes() == content for path, content in bytes_before.items())
    assert stored(db, "embedding") == embeddings
    assert {k: v for k, v in row(db, "call00003").items() if k != "distilled"} == {
        k: v for k, v in old.items() if k != "distilled"
    }
    for name in ("utterances", "frames"):
        dataset = lance.dataset(str(db / f"{name}.lance"))
        for fragment in dataset.get_fragments():
            files = {file.path for file in fragment.metadata.files}
            assert files & before[name], "the file of the embeddings is still in use"
    everything = np.array(embeddings, np.float64)
    pca = PCA(0.6, svd_solver="full").fit(unit(everything))
    assert same_up_to_sign(np.array(stored(db, "distilled")), pca.transform(unit(everything)), 5e-4)


def test_as_of_shows_the_vectors_of_then(db: Path) -> None:
    with e2vdb.connect(db) as opened:
        opened.tag("before")
        old = opened.vector("call00003", distilled=True)
        opened.distill(0.5)
        new = opened.vector("call00003", distilled=True)
    assert len(new) < len(old)
    with e2vdb.connect(db, as_of="before") as past:
        assert np.array_equal(past.vector("call00003", distilled=True), old)
        found = past.sql(
            "SELECT e2v_distill(embedding) FROM utterances WHERE utterance_id = 'call00003'"
        ).fetchall()
        assert np.allclose(found[0][0], old, atol=1e-6)


def test_other_clients_read_on_and_clean_up_works(db: Path) -> None:
    with e2vdb.connect(db) as opened:
        for variance in (0.5, 0.9):
            opened.distill(variance)
        opened.optimize(keep_days=0)
        width = opened.info().distiller.dimensions
        root = db.parent / "outputs"
        write_output(root / "after", 123)
        assert opened.ingest(root).inserted == 1
        assert opened.distill().dimensions == width
    rows = lancedb.connect(db).open_table("utterances").to_arrow()
    assert rows.num_rows == 324
    assert rows.schema.field("distilled").type.list_size == width
    assert rows["distilled"].null_count == 0


def test_a_kill_between_fit_and_apply_is_completed_by_the_next_ingest(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    put, done = fitting._put_column, []

    def killed(*arguments: object) -> None:
        if done:
            raise Killed
        done.append(put(*arguments))

    with e2vdb.connect(db) as opened, monkeypatch.context() as patch:
        patch.setattr(fitting, "_put_column", killed)
        with pytest.raises(Killed):
            opened.distill(0.5)
    with e2vdb.connect(db) as opened:
        old = opened.vector("call00003", distilled=True)
        found = opened.sql(
            "SELECT e2v_distill(embedding) FROM utterances WHERE utterance_id = 'call00003'"
        ).fetchall()
        assert np.allclose(found[0][0], old, atol=1e-6), "still the vectors that are stored"
        width = opened.info().distiller.dimensions
        opened.ingest(db.parent / "outputs")
        for name in ("utterances", "frames"):
            kinds = opened.sql(f"SELECT DISTINCT typeof(distilled) FROM {name}").fetchall()
            assert kinds == [(f"FLOAT[{width}]",)]
        before = versions(db)
        opened.ingest(db.parent / "outputs")
        assert versions(db) == before


def test_the_report_prints_what_can_be_checked(tmp_path: Path) -> None:
    root = tmp_path / "outputs"
    centres = np.random.default_rng(1).standard_normal((2, 64)) * 6
    for number in range(300):
        emotion = ("angry", "happy")[number % 2]
        noise = np.random.default_rng(number).standard_normal(64)
        folder = write_output(root / f"call{number:03}", number, emotion=emotion)
        np.save(folder / "embedding.npy", (centres[number % 2] + noise).astype(np.float32))
    with e2vdb.connect(tmp_path / "db") as db:
        (tmp_path / "empty").mkdir()
        db.ingest(tmp_path / "empty")
        with pytest.raises(UsageError, match="no distiller"):
            db.distill_report()
        db.ingest(root)
        report = db.distill_report()
        width = db.info().distiller.dimensions
        db.export("call000", tmp_path / "full.npy")
        db.export("call000", tmp_path / "short.npy", distilled=True)
    assert (report.dimension, report.dimensions) == (64, width)
    assert report.full_bytes == (tmp_path / "full.npy").stat().st_size
    assert report.distilled_bytes == (tmp_path / "short.npy").stat().st_size
    assert report.bytes_saved == pytest.approx(1 - report.distilled_bytes / report.full_bytes)
    assert 0.95 <= report.variance_kept <= 1
    assert (report.fitted_rows, report.measured_rows) == (300, 300)
    assert report.full_accuracy == 1.0
    assert report.distilled_accuracy == 1.0
    assert report.accuracy_change == 0
