"""A database made before there were columns for recordings is read, and completed by a write."""

from pathlib import Path

import lance
from build import result_document, write_output

import e2vdb

NEW = ["quality", "channel", "audio_file", "model"]


def test_columns_that_an_older_version_did_not_make(tmp_path: Path) -> None:
    said = {"quality": 0.5, "channel": "left", "audio_file": "/calls/a.wav", "model": "m"}
    write_output(tmp_path / "out")
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(tmp_path / "out")
    table = lance.dataset(tmp_path / "db" / "utterances.lance")
    table.drop_columns(NEW)
    query = f"SELECT {', '.join(NEW)} FROM"
    with e2vdb.connect(tmp_path / "db") as db:
        for relation in ("calls", "utterances"):
            assert db.sql(f"{query} {relation}").fetchall() == [(None,) * 4]
        assert db.sql("FROM calls WHERE quality IS NULL").fetchall() != []
        assert db.sql("FROM utterances WHERE channel = 'left'").fetchall() == []
        result = result_document(**said)
        write_output(tmp_path / "out", "outputs_20240104_223001", seed=1, result=result)
        assert db.ingest(tmp_path / "out").inserted == 1
        found = db.sql(f"{query} calls ORDER BY utterance_id").fetchall()
        assert found == [(None,) * 4, tuple(said.values())]
        assert db.sql("SELECT channel FROM utterances WHERE quality > 0.4").fetchall() == [
            ("left",)
        ]
