"""A refit changes the length of `distilled`; whoever asks afterwards gets the new vectors."""

from pathlib import Path

import duckdb
import pytest
from demo_database import DemoDatabase

import e2vdb

KIND = "SELECT typeof(distilled), typeof(e2v_distill(embedding)) FROM utterances LIMIT 1"
SAME = "SELECT max(array_distance(e2v_distill(embedding), distilled)) < 1e-5 FROM utterances"


def test_a_long_lived_database_follows(demo: DemoDatabase, tmp_path: Path) -> None:
    with e2vdb.connect(demo.copy(tmp_path)) as db:
        connection = db.connection()
        assert db.sql(KIND).fetchall() == [("FLOAT[38]", "FLOAT[38]")]
        d = db.distill(0.7).dimensions
        assert d < 38
        for ask in (db.sql, connection.sql, db.connection().sql):
            assert ask(KIND).fetchall() == [(f"FLOAT[{d}]", f"FLOAT[{d}]")]
            assert ask(SAME).fetchall() == [(True,)]
            frames = ask("SELECT count(distilled), typeof(any_value(distilled)) FROM frames")
            assert frames.fetchall() == [(13276, f"FLOAT[{d}]")]


def test_a_refit_elsewhere(demo: DemoDatabase, tmp_path: Path) -> None:
    address = demo.copy(tmp_path)
    with e2vdb.connect(address) as db, e2vdb.connect(address) as other:
        connection = db.connection()
        connection.execute(KIND).fetchall()
        d = other.distill(0.7).dimensions
        assert db.sql(KIND).fetchall() == [(f"FLOAT[{d}]", f"FLOAT[{d}]")]
        assert db.sql(SAME).fetchall() == [(True,)]
        # A plain connection keeps its types: it must say so rather than give wrong vectors.
        for query in (SAME, "SELECT distilled FROM utterances"):
            with pytest.raises(duckdb.Error, match=r"call db.connection\(\) again"):
                connection.execute(query).fetchall()
        assert connection.execute("SELECT count(*) FROM utterances").fetchall() == [(320,)]
        assert db.connection().execute(SAME).fetchall() == [(True,)]


def test_as_of_keeps_its_own_distiller(demo: DemoDatabase, tmp_path: Path) -> None:
    address = demo.copy(tmp_path)
    with e2vdb.connect(address) as db:
        db.tag("before")
        db.distill(0.7)
    with e2vdb.connect(address, as_of="before") as past:
        assert past.sql(KIND).fetchall() == [("FLOAT[38]", "FLOAT[38]")]
        assert past.sql(SAME).fetchall() == [(True,)]
