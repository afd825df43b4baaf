"""Publications as Parquet: the calls, a folder, and what embedding-atlas reads."""

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
from publishing import ZONE

import e2vdb
from e2vdb.errors import UsageError


def test_calls(bi, live, tmp_path) -> None:
    file = tmp_path / "calls.parquet"
    assert live.publish(file, timezone=ZONE).calls == 420
    assert live.publish(file, timezone=ZONE).nothing_new
    assert [one.name for one in tmp_path.iterdir()] == ["calls.parquet"]
    theirs = bi.sql("FROM calls ORDER BY utterance_id").to_arrow_table()
    ours = pq.read_table(file).sort_by("utterance_id")
    assert ours.schema.names == theirs.schema.names
    assert ours.to_pylist() == theirs.to_pylist()


def test_a_folder_holds_what_the_file_holds(bi, live, tmp_path) -> None:
    folder = tmp_path / "out"
    first = live.publish(f"{folder}/", timezone=ZONE)
    assert set(first.computed) == set(first.tables)
    for name in first.tables:
        table = f"read_parquet('{folder / name}.parquet')"
        for one, other in ((name, table), (table, name)):
            query = f"SELECT count(*) FROM (FROM {one} EXCEPT ALL FROM {other})"
            if name not in ("cluster_profiles", "trend_daily", "trend_daily_agent"):
                assert bi.execute(query).fetchall() == [(0,)], name
        rows = bi.execute(f"SELECT (SELECT count(*) FROM {name}), count(*) FROM {table}")
        assert len(set(rows.fetchall()[0])) == 1
    assert {one.stem for one in folder.iterdir()} == {*first.tables, "meta", "meta_tables"}
    assert live.publish(folder, timezone=ZONE).nothing_new
    assert [one.name for one in tmp_path.iterdir()] == ["out"]


def test_a_folder_is_updated_as_a_whole(published, tmp_path) -> None:
    with e2vdb.connect(published.copy(tmp_path)) as db:
        db.publish(f"{tmp_path}/out/")
        db.remove_event("calm voices training")
        summary = db.publish(tmp_path / "out")
        assert summary.computed == ("events",)
        assert pq.read_table(tmp_path / "out" / "events.parquet").num_rows == 1
        (tmp_path / "out" / "mine.txt").write_text("x")
        with pytest.raises(UsageError, match=r"mine\.txt"):
            db.publish(tmp_path / "out")


def test_embedding_atlas(live, published, tmp_path) -> None:
    file = tmp_path / "atlas.parquet"
    live.publish(file, tool="embedding-atlas")
    assert live.publish(file, tool="embedding-atlas").nothing_new
    rows = pq.read_table(file).to_pylist()
    relation = live.sql("SELECT utterance_id, x, y FROM emotion_map WHERE name = 'all'")
    assert {row["utterance_id"]: (row["projection_x"], row["projection_y"]) for row in rows} == {
        one: (x, y) for one, x, y in relation.fetchall()
    }
    relation = live.sql("FROM neighbors ORDER BY utterance_id, rank")
    near: dict[str, list[tuple[str, float]]] = {}
    for one, _, other, similarity in relation.fetchall():
        near.setdefault(one, []).append((other, 1 - similarity))
    for row in rows:
        ids = [rows[place]["utterance_id"] for place in row["neighbors"]["ids"]]
        assert (
            list(zip(ids, row["neighbors"]["distances"], strict=True)) == near[row["utterance_id"]]
        )
    live.publish(file, tool="embedding-atlas", vectors="full")
    row = pq.read_table(file).to_pylist()[7]
    assert np.array_equal(np.float32(row["vector"]), live.vector(row["utterance_id"]))


def test_embedding_atlas_needs_to_know_the_map(small, published, live, tmp_path) -> None:
    with e2vdb.connect(small) as db, pytest.raises(UsageError, match="no map to publish"):
        db.publish(small.parent / "a.parquet", tool="embedding-atlas")
    with pytest.raises(UsageError, match="no map 'x'; there are all"):
        live.publish(tmp_path / "a.parquet", tool="embedding-atlas", map="x")
    with pytest.raises(UsageError, match="--for embedding-atlas"):
        live.publish(tmp_path / "a.parquet", map="x")
    with e2vdb.connect(published.copy(tmp_path)) as db:
        db.map("second", where="emotion = 'angry'", method="pca")
        with pytest.raises(UsageError, match="several maps"):
            db.publish(tmp_path / "a.parquet", tool="embedding-atlas")
        calls = db.publish(tmp_path / "a.parquet", tool="embedding-atlas", map="second").calls
    with duckdb.connect() as connection:
        file = tmp_path / "a.parquet"
        found = connection.execute(f"SELECT count(*), any_value(emotion) FROM '{file}'").fetchall()
        assert found == [(calls, "angry")]
