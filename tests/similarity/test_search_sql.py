"""Search through SQL and Python: answers, filters, freshness and errors."""

import os
from pathlib import Path

import duckdb
import numpy as np
import pytest

import e2vdb
from e2vdb.database import Database
from e2vdb.errors import UsageError
from e2vdb.query.search import SHOWN

from .conftest import distill, normal, put_vectors


def nearest(vectors: np.ndarray, query: np.ndarray, k: int, keep=lambda row: True) -> list[str]:
    exact = vectors.astype(np.float32).astype(np.float64)
    cosines = np.round(exact @ query / np.linalg.norm(exact, axis=1) / np.linalg.norm(query), 12)
    rows = [row for row in range(len(vectors)) if keep(row)]
    rows.sort(key=lambda row: (-cosines[row], row))
    return [f"u{row:04d}" for row in rows[:k]]


def ids(db: Database, query: str, params: dict | None = None) -> list[str]:
    return [row[0] for row in db.sql(query, params).fetchall()]


@pytest.fixture
def vectors(db: Database) -> np.ndarray:
    made = normal(500, seed=9)
    put_vectors(db, made)
    distill(db)
    return made


def test_similar_calls_leaves_the_call_out(db: Database, vectors: np.ndarray) -> None:
    found = ids(db, "FROM similar_calls('u0003', k := 7)")
    assert found == nearest(vectors, vectors[3].astype(np.float32), 7, lambda row: row != 3)


def test_similarity_is_the_cosine(db: Database, vectors: np.ndarray) -> None:
    rows = db.sql("SELECT utterance_id, similarity FROM similar_calls('u0003')").fetchall()
    for name, similarity in rows:
        other = vectors[int(name[1:])]
        cosine = other @ vectors[3] / np.linalg.norm(other) / np.linalg.norm(vectors[3])
        assert similarity == pytest.approx(cosine, abs=1e-6)


def test_columns(db: Database, vectors: np.ndarray) -> None:
    expected = ["utterance_id", "similarity", *SHOWN]
    for macro in ("similar_calls('u0001')", "duplicates_of('u0001')"):
        assert db.sql(f"FROM {macro}").columns == expected


def test_row_by_row_is_answered_in_batches(db: Database, vectors: np.ndarray) -> None:
    rows = db.sql(
        "SELECT u.utterance_id, list(hit.utterance_id ORDER BY hit.similarity DESC) "
        "FROM utterances u, unnest(e2v_search(u.embedding, 3)) AS t(hit) GROUP BY ALL"
    ).fetchall()
    assert len(rows) == 500
    for name, found in rows:
        assert found == nearest(vectors, vectors[int(name[1:])].astype(np.float32), 3)


def test_subquery_and_constant(db: Database, vectors: np.ndarray) -> None:
    one = ids(
        db,
        "SELECT unnest(e2v_search((SELECT embedding FROM utterances "
        "WHERE utterance_id = 'u0042'), 4), recursive := true)",
    )
    assert one == nearest(vectors, vectors[42].astype(np.float32), 4)
    constant = vectors[42].astype(np.float32).tolist()
    assert ids(db, "FROM similar_to($v, k := 4)", {"v": constant}) == one


@pytest.mark.parametrize(
    ("where", "keep"),
    [
        ("emotion = 'angry'", lambda row: row % 3 == 0),
        ("utterance_id IN ('u0001', 'u0002')", lambda row: row in (1, 2)),
        ("emotion = 'angry' AND at IS NULL", lambda row: row % 3 == 0),
        ("false", lambda row: False),
        ("agent IS NULL OR emotion = 'sad'", lambda row: True),
    ],
)
def test_filter_is_applied_before(db: Database, vectors: np.ndarray, where: str, keep) -> None:
    query = normal(1, seed=11)[0].astype(np.float32)
    found = ids(db, "FROM similar_to($v, k := 9, filter := $w)", {"v": query.tolist(), "w": where})
    assert found == nearest(vectors, query.astype(np.float64), 9, keep)


def test_metadata_columns_filter(db: Database, vectors: np.ndarray, tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    rows = [f"u{row:04d},{'A' if row % 7 == 0 else 'B'},{row}" for row in range(500)]
    file.write_text("utterance_id,agent,queue\n" + "\n".join(rows))
    db.load_metadata(file)
    found = db.search("u0003", 5, where="agent = 'A' AND queue < 200").table
    wanted = nearest(vectors, vectors[3].astype(np.float32), 5, lambda r: r % 7 == 0 and r < 200)
    assert found["utterance_id"].to_pylist() == wanted
    assert found["agent"].to_pylist() == ["A"] * 5


def test_new_and_changed_rows_are_in_at_once(db: Database, vectors: np.ndarray) -> None:
    db.search("u0003")
    with e2vdb.connect(db.address.uri) as other:
        put_vectors(other, vectors[3:4] + 1e-4, first=500)
    assert ids(db, "FROM similar_calls('u0003', k := 1)") == ["u0500"]
    put_vectors(db, -vectors[3:4], first=500)
    assert "u0500" not in ids(db, "FROM similar_calls('u0003', k := 100)")


def test_a_refit_changes_no_answer(db: Database, vectors: np.ndarray) -> None:
    before = ids(db, "FROM similar_calls('u0003')")
    distill(db, 0.5)
    assert ids(db, "FROM similar_calls('u0003')") == before


def test_the_cache_can_be_deleted_at_any_time(
    db: Database, vectors: np.ndarray, tmp_path: Path
) -> None:
    import shutil

    before = ids(db, "FROM similar_calls('u0003')")
    shutil.rmtree(tmp_path / "cache")
    assert ids(db, "FROM similar_calls('u0003')") == before
    with e2vdb.connect(db.address.uri) as other:
        assert ids(other, "FROM similar_calls('u0003')") == before


def test_a_broken_cache_file_is_made_again(
    db: Database, vectors: np.ndarray, tmp_path: Path
) -> None:
    before = ids(db, "FROM similar_calls('u0003')")
    for file in (tmp_path / "cache").rglob("vectors.npy"):
        file.unlink()
        file.write_bytes(b"\x93NUMPY")
    with e2vdb.connect(db.address.uri) as other:
        assert ids(other, "FROM similar_calls('u0003')") == before


def test_blocks_that_no_search_used_for_a_week_are_removed(
    db: Database, vectors: np.ndarray, tmp_path: Path
) -> None:
    before = ids(db, "FROM similar_calls('u0003')")
    (mine,) = (tmp_path / "cache").iterdir()
    old, young = mine / "old", mine / "young"
    for folder in (old, young):
        folder.mkdir()
        (folder / "vectors.npy").write_bytes(b"x")
    os.utime(old, (0, 0))
    with e2vdb.connect(db.address.uri) as other:
        assert ids(other, "FROM similar_calls('u0003')") == before
    assert young.exists()
    assert not old.exists()


def test_sketches_past_the_limit_are_read_from_disk(
    db: Database, vectors: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ids(db, "FROM similar_calls('u0003')")
    monkeypatch.setenv("E2VDB_SKETCH_BYTES", "10")
    with e2vdb.connect(db.address.uri) as other:
        assert ids(other, "FROM similar_calls('u0003')") == before


def test_duplicates_are_all_found(db: Database, vectors: np.ndarray) -> None:
    put_vectors(db, np.repeat(vectors[3:4] * 2, 30, axis=0), first=500)
    assert ids(db, "FROM duplicates_of('u0003')") == [f"u{row:04d}" for row in range(500, 530)]
    assert ids(db, "FROM similar_calls('u0510', k := 5)") == [
        "u0003", "u0500", "u0501", "u0502", "u0503"
    ]  # fmt: skip


def test_same_pattern(db: Database, vectors: np.ndarray) -> None:
    assert db.sql("FROM same_pattern('u0003', 'u0003')").fetchall()[0][2] == "same"
    cosine, _, verdict = db.sql("FROM same_pattern('u0003', 'u0004')").fetchall()[0]
    a, b = vectors[3], vectors[4]
    assert cosine == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b), abs=1e-6)
    assert verdict in ("same", "similar", "different")


def test_similar_agents(db: Database, vectors: np.ndarray, tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    rows = [f"u{row:04d},{'ABCD'[row % 4]}" for row in range(500)]
    file.write_text("utterance_id,agent\n" + "\n".join(rows))
    db.load_metadata(file)
    units = vectors.astype(np.float32) / np.linalg.norm(vectors, axis=1, keepdims=True)
    means = {name: units[order::4].mean(axis=0) for order, name in enumerate("ABCD")}
    cosine = {
        name: mean @ means["A"] / np.linalg.norm(mean) / np.linalg.norm(means["A"])
        for name, mean in means.items()
    }
    found = db.sql("FROM similar_agents('A', k := 2)").fetchall()
    best = sorted("BCD", key=lambda name: -cosine[name])[:2]
    assert [(row[0], row[2]) for row in found] == [(name, 125) for name in best]
    assert [row[1] for row in found] == pytest.approx([cosine[name] for name in best], abs=1e-6)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("FROM similar_calls('nobody')", "'nobody'"),
        ("FROM similar_to([1.0, 2.0])", "2 values"),
        ("FROM similar_to(NULL)", "NULL"),
        ("FROM similar_to(list_transform(range(16), lambda x: 0.0))", "all zero"),
        ("FROM similar_to(list_transform(range(16), lambda x: 'nan'::FLOAT))", "NaN"),
        ("FROM similar_calls('u0001', k := 0)", "not 0"),
        ("FROM similar_calls('u0001', k := -3)", "not -3"),
        ("FROM similar_calls('u0001', mode := 'quick')", "'quick'"),
        ("FROM similar_calls('u0001', filter := 'agent =')", "'agent ='"),
        ("FROM similar_calls('u0001', filter := 'colour = 1')", "colour"),
        ("FROM duplicates_of('nobody')", "'nobody'"),
        ("FROM similar_agents('nobody')", "'nobody'"),
    ],
)
def test_bad_input_is_named_and_the_connection_lives_on(
    db: Database, vectors: np.ndarray, query: str, named: str
) -> None:
    with pytest.raises(duckdb.Error, match=named):
        db.sql(query).fetchall()
    assert db.sql("SELECT 1").fetchall() == [(1,)]


def test_a_filter_cannot_write(db: Database, vectors: np.ndarray, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    for text in (f"1=1); COPY calls TO '{file}'; --", "EXISTS (FROM read_csv('/etc/passwd'))"):
        with pytest.raises(UsageError):
            db.search("u0001", where=text)
    assert not file.exists()


def test_an_empty_database_answers_with_no_rows(db: Database) -> None:
    put_vectors(db, np.full((0, 16), 1.0))
    for macro in ("similar_calls('u0001')", "similar_to([1.0])", "similar_agents('A')"):
        assert db.sql(f"FROM {macro}").fetchall() == []
    assert db.search("u0001").table.num_rows == 0


def test_vectors_without_a_distiller(db: Database) -> None:
    made = normal(20, seed=3)
    put_vectors(db, made)
    found = ids(db, "FROM similar_calls('u0002', k := 50)")
    assert found == nearest(made, made[2].astype(np.float32), 50, lambda row: row != 2)


def test_as_of_searches_the_past(db: Database, vectors: np.ndarray) -> None:
    version = db.versions()[-1].number
    put_vectors(db, vectors[3:4], first=900)
    with e2vdb.connect(db.address.uri, as_of=version) as past:
        assert "u0900" not in ids(past, "FROM similar_calls('u0003')")
    assert ids(db, "FROM similar_calls('u0003', k := 1)") == ["u0900"]


def test_a_recording_that_is_not_there_is_called_so(db: Database, vectors: np.ndarray) -> None:
    put_vectors(db, vectors[:3])
    with pytest.raises(UsageError, match="There is no recording"):
        db.search("nothere.wav")
