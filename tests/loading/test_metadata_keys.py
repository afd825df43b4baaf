"""Metadata finds its utterances by id or directory, before or after them, and updates by key."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from trees import name_of, table, vector, versions, write_output, write_tree

import e2vdb


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = write_tree(tmp_path / "outputs", range(3))
    write_output(root / "north" / "one", 10)
    write_output(root / "south" / "one", 11)
    (root / "flat").mkdir()
    np.save(root / "flat" / "utt1.npy", vector(20))
    return root


def csv(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def agents(db: e2vdb.Database) -> dict[str, str]:
    query = "SELECT utterance_id, agent FROM calls WHERE agent IS NOT NULL"
    return dict(db.sql(query).fetchall())


WAYS = {
    "the id": (name_of(1), name_of(1)),
    "a nested id": ("north/one", "north/one"),
    "an absolute path": ("{root}/north/one", "north/one"),
    "a path with a slash at its end": ("{root}/south/one/", "south/one"),
    "a relative path": ("{relative}/south/one", "south/one"),
    "a path of another machine": (f"/data/outputs/{name_of(2)}", name_of(2)),
    "a longer path of another machine": ("/data/outputs/south/one", "south/one"),
    "a Windows path": (f"C:\\calls\\outputs\\{name_of(2)}", name_of(2)),
    "a base name": (name_of(0), name_of(0)),
    "a flat key": ("utt1", "flat/utt1"),
    "a flat file's name": ("utt1.npy", "flat/utt1"),
    "a flat file's path": ("{root}/flat/utt1.npy", "flat/utt1"),
}


@pytest.mark.parametrize("first", ["directories", "metadata"])
@pytest.mark.parametrize("way", WAYS)
def test_output_dir_as_people_write_it(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, first: str
) -> None:
    monkeypatch.chdir(tmp_path)
    written, meant = WAYS[way]
    written = written.format(root=root, relative=os.path.relpath(root))
    file = csv(tmp_path / "calls.csv", f"output_dir,agent\n{written},Li\nnot there,Wang\n")
    with e2vdb.connect(tmp_path / "db") as db:
        if first == "directories":
            db.ingest(root)
        loaded = db.load_metadata(file)
        matched = 1 if first == "directories" else 0
        assert (loaded.rows, loaded.matched, loaded.unmatched) == (2, matched, 2 - matched)
        assert "not there" in loaded.unmatched_examples
        if first == "metadata":
            db.ingest(root)
        assert agents(db) == {meant: "Li"}
        before = versions(tmp_path / "db")
        again = db.load_metadata(file)
        assert (again.matched, again.unmatched, again.changed) == (1, 1, False)
        db.ingest(root)
        assert versions(tmp_path / "db") == before


def test_metadata_first_leaves_the_dimension_to_the_directories(root: Path, tmp_path: Path) -> None:
    file = csv(tmp_path / "calls.csv", "output_dir,agent\none,Li\n")
    with e2vdb.connect(tmp_path / "db") as db:
        db.load_metadata(file)
        summary = db.ingest(root)
        assert (summary.inserted, summary.rejected) == (6, 0)


def test_a_base_name_that_two_share_fits_none(root: Path, tmp_path: Path) -> None:
    file = csv(tmp_path / "calls.csv", "output_dir,agent\none,Li\n")
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(root)
        loaded = db.load_metadata(file)
        assert (loaded.matched, loaded.unmatched_examples) == (0, ["one"])
        assert agents(db) == {}


def test_ids_before_the_directories(root: Path, tmp_path: Path) -> None:
    file = csv(tmp_path / "calls.csv", f"utterance_id,agent\n{name_of(1)},Li\n")
    with e2vdb.connect(tmp_path / "db") as db:
        summary = db.ingest(root, metadata=file)
        assert summary.metadata.matched == 1
        assert agents(db) == {name_of(1): "Li"}


def test_loading_again_updates_by_key_and_keeps_the_rest(root: Path, tmp_path: Path) -> None:
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(root)
        db.load_metadata(
            csv(
                tmp_path / "a.csv",
                f"utterance_id,agent,team\n{name_of(0)},Li,x\n{name_of(1)},Wu,y\n",
            )
        )
        db.load_metadata(
            csv(
                tmp_path / "b.csv", f"output_dir,agent,grade\n{root / name_of(1)},Xu,7\nutt1,Yu,8\n"
            )
        )
        query = "SELECT utterance_id, agent, team, grade FROM metadata ORDER BY 1"
        assert db.sql(query).fetchall() == [
            ("flat/utt1", "Yu", None, 8),
            (name_of(0), "Li", "x", None),
            (name_of(1), "Xu", "y", 7),
        ]


def test_a_row_that_waited_gives_way_to_a_newer_one(root: Path, tmp_path: Path) -> None:
    """As after an ingest that was killed before it could give waiting rows their ids."""
    import e2vdb.loading.ingest as module

    with e2vdb.connect(tmp_path / "db") as db, pytest.MonkeyPatch.context() as patch:
        db.load_metadata(csv(tmp_path / "a.csv", "output_dir,agent,team\nutt1,old,x\n"))
        patch.setattr(module, "resolve_metadata", lambda _: None)
        db.ingest(root)
        patch.undo()
        db.load_metadata(csv(tmp_path / "b.csv", "output_dir,agent\nflat/utt1,new\n"))
        db.ingest(root)
        assert db.sql("SELECT utterance_id, agent, team FROM metadata").fetchall() == [
            ("flat/utt1", "new", "x")
        ]


def test_types_may_change_and_an_empty_column_changes_none(tmp_path: Path) -> None:
    def kind(column: str) -> str:
        return db.sql(f'SELECT typeof("{column}") FROM metadata LIMIT 1').fetchall()[0][0]

    with e2vdb.connect(tmp_path / "db") as db:
        db.load_metadata(csv(tmp_path / "a.csv", "utterance_id,n,d\na,1,2024-01-04\n"))
        assert (kind("n"), kind("d")) == ("BIGINT", "DATE")
        db.load_metadata(csv(tmp_path / "b.csv", "utterance_id,n,d\nb,,\n"))
        assert (kind("n"), kind("d")) == ("BIGINT", "DATE")
        db.load_metadata(csv(tmp_path / "c.csv", "utterance_id,n,d\nc,1.5,2024-01-04 10:00:00\n"))
        assert (kind("n"), kind("d")) == ("DOUBLE", "TIMESTAMP")
        db.load_metadata(csv(tmp_path / "d.csv", "utterance_id,n,late\nd,many,\n"))
        assert kind("n") == "VARCHAR"
        db.load_metadata(csv(tmp_path / "e.csv", "utterance_id,late\nd,4\n"))
        assert kind("late") == "BIGINT"
        rows = db.sql("SELECT utterance_id, n, late FROM metadata ORDER BY 1").fetchall()
        assert rows == [("a", "1.0", None), ("b", None, None), ("c", "1.5", None), ("d", "many", 4)]


def test_names_that_differ_in_case_are_one_column(tmp_path: Path) -> None:
    with e2vdb.connect(tmp_path / "db") as db:
        db.load_metadata(csv(tmp_path / "a.csv", "utterance_id,Region,地区\na,N,北\n"))
        db.load_metadata(csv(tmp_path / "b.csv", "utterance_id,REGION,地区\nb,S,南\n"))
        relation = db.sql("FROM metadata ORDER BY utterance_id")
        assert relation.columns == ["utterance_id", "output_dir", "Region", "地区"]
        assert relation.fetchall() == [("a", None, "N", "北"), ("b", None, "S", "南")]


def test_repeated_keys_and_rows_without_one_are_counted(root: Path, tmp_path: Path) -> None:
    file = csv(
        tmp_path / "calls.csv",
        f"utterance_id,output_dir,agent\n{name_of(1)},,a\n,{name_of(1)},b\n,,c\n ,,d\n"
        f"{name_of(1)},,e\nnowhere,,f\nnowhere,,g\n",
    )
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(root)
        loaded = db.load_metadata(file)
        assert (loaded.rows, loaded.matched, loaded.unmatched) == (7, 1, 1)
        assert (loaded.without_key, loaded.repeated) == (2, 3)
        assert agents(db) == {name_of(1): "e"}
        assert db.sql("SELECT agent FROM metadata ORDER BY 1").fetchall() == [("e",), ("g",)]
        assert not db.load_metadata(file).changed
        json.dumps(loaded.as_dict())


def test_columns_called_like_ours_are_kept_beside_them(root: Path, tmp_path: Path) -> None:
    head = "utterance_id,emotion,Norm,at,key,v,place,row#,a.b"
    file = csv(tmp_path / "calls.csv", f"{head}\n{name_of(1)},calm,7,noon,k,w,p,r,dot\n")
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(root, metadata=file)
        row = db.sql(f"FROM calls WHERE utterance_id = '{name_of(1)}'").to_arrow_table()
        (found,) = row.to_pylist()
        assert found["emotion"] == "happy"
        assert found["metadata_emotion"] == "calm"
        assert found["metadata_Norm"] == 7
        assert found["metadata_at"] == "noon"
        assert [found[name] for name in ("key", "v", "place", "row#", "a_b")] == [
            "k",
            "w",
            "p",
            "r",
            "dot",
        ]
        assert not db.load_metadata(file).changed


def test_a_file_of_keys_alone_and_an_empty_file(root: Path, tmp_path: Path) -> None:
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(root)
        assert (
            db.load_metadata(csv(tmp_path / "a.csv", f"utterance_id\n{name_of(1)}\n")).matched == 1
        )
        empty = db.load_metadata(csv(tmp_path / "b.csv", "utterance_id,agent\n"))
        assert (empty.rows, empty.matched) == (0, 0)
    assert table(tmp_path / "db", "metadata")["utterance_id"].to_pylist() == [name_of(1)]
