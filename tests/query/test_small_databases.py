"""Databases with nothing in them, and with rows that have no vector at all."""

from pathlib import Path

import pytest
from build import write_output

import e2vdb

RELATIONS = ("utterances", "calls", "frames", "metadata", "rejects", "distillers", "settings")


def test_there_is_no_database(tmp_path: Path) -> None:
    with e2vdb.connect(tmp_path / "none") as db:
        for ask in (lambda: db.sql("SELECT 1"), db.connection, db.info):
            with pytest.raises(e2vdb.E2VError, match="no e2vdb database at"):
                ask()
    assert not (tmp_path / "none").exists()


def test_an_empty_database(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with e2vdb.connect(tmp_path / "empty") as db:
        summary = db.ingest(tmp_path / "in", workers=1)
        assert summary.found == 0
        for name in RELATIONS:
            assert db.sql(f"FROM {name}").fetchall() == []
            assert db.sql(f"FROM {name}").to_arrow_table().num_rows == 0
        assert db.sql("SELECT emotion, count(*) FROM calls GROUP BY ALL").fetchall() == []
        assert db.sql("SELECT count(*), max(at) FROM calls WHERE agent = 'x'").fetchall() == [
            (0, None)
        ]


def test_rows_without_any_vector(tmp_path: Path) -> None:
    for second in range(3):
        write_output(tmp_path / "in", f"outputs_20240104_22300{second}", embedding=None)
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(tmp_path / "in", workers=1)
        query = (
            "SELECT count(*), count(embedding), count(distilled), count(norm), "
            "bool_and(list_contains(warnings, 'no_embedding')) "
            "FROM utterances WHERE {} AND emotion = 'happy'"
        )
        for clause in ("embedding IS NULL", "distilled IS NULL", "norm IS NULL", "true"):
            assert db.sql(query.format(clause)).fetchall() == [(3, 0, 0, 0, True)]
        for clause in ("embedding IS NOT NULL", "distilled IS NOT NULL", "embedding[1] > 0"):
            assert db.sql(f"FROM utterances WHERE {clause}").fetchall() == []
        with pytest.raises(e2vdb.E2VError, match="has no embedding vector"):
            db.vector("outputs_20240104_223000")
