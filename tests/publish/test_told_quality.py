"""The quality that the metadata says counts first, in alerts and publications as in SQL."""

import json
from pathlib import Path

import duckdb
import numpy as np

import e2vdb
from e2vdb.watch.alerts import Rule
from e2vdb.watch.check import Checker


def test_metadata_says_the_quality_everywhere(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("c0", "c1", "c2"):
        folder = tmp_path / "outputs" / name
        folder.mkdir(parents=True)
        np.save(folder / "embedding.npy", rng.standard_normal((1, 16)).astype(np.float32))
        result = {"emotion": "angry", "quality": 0.9, "scores": {"angry": 0.9}}
        (folder / "result.json").write_text(json.dumps(result))
    (tmp_path / "said.csv").write_text("utterance_id,quality\nc0,0.1\nc1,0.2\nc2,7\n")
    query = "SELECT utterance_id, round(quality, 3) FROM calls ORDER BY 1"
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(tmp_path / "outputs", metadata=tmp_path / "said.csv", dimension=16)
        live = db.sql(query).fetchall()
        checker = Checker(db._store, Rule("quality < 0.3"), say=print)
        found = [one.utterance_id for one in checker.check(["c0", "c1", "c2"])]
        checker.close()
        db.publish(tmp_path / "bi.duckdb")
    assert [round(value, 3) for _, value in live] == [0.1, 0.2, 0.9]
    assert sorted(found) == ["c0", "c1"]
    with duckdb.connect(tmp_path / "bi.duckdb", read_only=True) as connection:
        assert connection.execute(query).fetchall() == live
