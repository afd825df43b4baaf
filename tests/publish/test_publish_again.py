"""What a second publication computes, copies, or leaves alone."""

import shutil

import duckdb
import pytest

import e2vdb

CALLS = {"calls", "cluster_profiles", "trend_daily", "trend_daily_agent"}


@pytest.fixture
def copy(published, tmp_path):
    """A database to write to, and a file that was published from it."""
    address = published.copy(tmp_path)
    shutil.copy(published.file, tmp_path / "bi.duckdb")
    with e2vdb.connect(address) as db:
        yield db, tmp_path / "bi.duckdb"


def publish(db, file, **choices) -> set[str]:
    return set(db.publish(file, timezone="Europe/Berlin", **choices).computed)


def test_nothing_new_leaves_the_file_alone(copy) -> None:
    db, file = copy
    before = file.stat()
    summary = db.publish(file, timezone="Europe/Berlin")
    assert summary.nothing_new
    assert summary.calls == 420
    after = file.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_only_what_changed_is_computed(copy, tmp_path) -> None:
    db, file = copy
    db.remove_event("calm voices training")
    assert publish(db, file) == {"events"}
    db.label_cluster("anger", 2, "loud")
    assert publish(db, file) == {"clusters", "cluster_centroids", "cluster_profiles"}
    db.references.remove("calm")
    assert publish(db, file) == {"quality", "reference_sets"}
    (tmp_path / "m.csv").write_text("utterance_id,score,rank\nodd/call_without_time_1,7,1\n")
    db.load_metadata(tmp_path / "m.csv")
    assert publish(db, file) >= CALLS
    with duckdb.connect(file, read_only=True) as bi:
        assert bi.execute("SELECT sum(score) FROM calls").fetchall() == [(7,)]
        comment = (
            "SELECT comment FROM duckdb_columns() WHERE table_name || column_name = 'callsscore'"
        )
        assert bi.execute(comment).fetchall() == [("score of your metadata.",)]
        assert bi.execute("SELECT DISTINCT reference FROM quality").fetchall() == [("good",)]


def test_a_copied_table_is_the_same(copy, published) -> None:
    db, file = copy
    db.remove_event("calm voices training")
    publish(db, file)
    with duckdb.connect(file, read_only=True) as bi:
        bi.execute(f"ATTACH '{published.file}' AS old (READ_ONLY)")
        for table in ("calls", "quality", "neighbors", "frames", "trend_daily_agent"):
            differing = f"(FROM {table} EXCEPT ALL FROM old.{table})"
            assert bi.execute(f"SELECT count(*) FROM {differing}").fetchall() == [(0,)]
        made = "SELECT made_at FROM {} WHERE table_name = 'calls'"
        assert (
            bi.execute(made.format("meta_tables")).fetchall()
            == bi.execute(made.format("old.meta_tables")).fetchall()
        )


def test_other_options_compute_what_they_shape(copy) -> None:
    db, file = copy
    assert publish(db, file, frame_step=0) == {"frames"}
    assert publish(db, file, vectors="distilled") == {"vectors", "frames", "cluster_centroids"}
    assert publish(db, file, vectors="distilled", frame_step=0.02) == {"frames"}
    assert "calls" in set(db.publish(file, timezone="Asia/Shanghai").computed)


def test_a_database_made_anew_at_the_same_place_is_another(small) -> None:
    file = small.parent / "bi.duckdb"
    with e2vdb.connect(small) as db:
        db.publish(file)
    shutil.rmtree(small)
    with e2vdb.connect(small) as db:
        db.ingest(small.parent / "in", workers=1)
        assert "calls" in db.publish(file).computed


def test_vectors(copy) -> None:
    db, file = copy
    publish(db, file, vectors="full", frame_step=0.02)
    with duckdb.connect(file, read_only=True) as bi:
        kinds = dict(row[:2] for row in bi.execute("DESCRIBE vectors").fetchall())
        assert kinds["embedding"] == "FLOAT[1024]"
        assert "embedding" in {row[0] for row in bi.execute("DESCRIBE frames").fetchall()}
        macros = "SELECT function_name FROM duckdb_functions() WHERE function_type = 'table_macro'"
        names = {name for (name,) in bi.execute(macros).fetchall()}
        assert {"frame_timeline", "emotion_shifts", "first_outburst", "cluster_profiles"} <= names
        for query in (
            "SELECT utterance_id, embedding, distilled FROM vectors ORDER BY ALL LIMIT 5",
            "FROM first_outburst('angry')",
            "SELECT shift.* FROM (SELECT DISTINCT utterance_id FROM frames ORDER BY ALL LIMIT 3) "
            "AS one, LATERAL (FROM emotion_shifts(one.utterance_id)) AS shift ORDER BY ALL",
        ):
            ours = bi.execute(query).fetchall()
            there = query.replace("FROM vectors", "FROM utterances WHERE embedding IS NOT NULL")
            relation = db.sql(there)
            assert relation is not None
            assert ours == relation.fetchall()


def test_since_leaves_out_calls_and_what_is_about_them(copy) -> None:
    db, file = copy
    summary = db.publish(file, since="2024-04-01")
    with duckdb.connect(file, read_only=True) as bi:
        first = bi.execute("SELECT min(at_local)::DATE::VARCHAR, count(*) FROM calls").fetchall()
        assert first[0] >= ("2024-04-01",)
        assert first[0][1] == summary.calls
        expected = db.sql("SELECT count(*) FROM calls WHERE \"at\" >= '2024-04-01'")
        assert expected is not None
        assert expected.fetchall() == [(summary.calls,)]
        for table, column in (
            ("neighbors", "utterance_id"),
            ("neighbors", "neighbor_id"),
            ("clusters", "utterance_id"),
            ("quality", "utterance_id"),
            ("emotion_map", "utterance_id"),
            ("frames", "utterance_id"),
            ("reference_sets", "utterance_id"),
        ):
            left = f"SELECT count(*), count(*) FILTER ({column} NOT IN "
            left += f"(SELECT utterance_id FROM calls)) FROM {table}"
            count, dangling = bi.execute(left).fetchall()[0]
            assert (count > 0, dangling) == (True, 0), table
        assert bi.execute("SELECT min(bucket) >= '2024-04-01' FROM trend_daily").fetchall()[0][0]


def test_the_past_can_be_published(copy, tmp_path) -> None:
    db, _ = copy
    db.tag("before")
    db.references.remove("good")
    db.load_events(write_event(tmp_path))
    with e2vdb.connect(db.address.uri, as_of="before") as past:
        past.publish(tmp_path / "past.duckdb")
    with duckdb.connect(tmp_path / "past.duckdb", read_only=True) as bi:
        found = bi.execute("SELECT DISTINCT reference FROM quality ORDER BY ALL").fetchall()
        assert found == [("calm",), ("good",)]
        assert bi.execute("SELECT count(*) FROM events WHERE name = 'new'").fetchall() == [(0,)]


def write_event(folder):
    file = folder / "new.csv"
    file.write_text("name,kind,starts_at\nnew,launch,2024-02-02\n")
    return file
