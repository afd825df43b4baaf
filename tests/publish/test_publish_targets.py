"""Where a publication may go, and the one sentence that says why not."""

import duckdb
import pytest
from running import e2vdb

import e2vdb as package
from e2vdb.errors import E2VError, UsageError


@pytest.mark.parametrize(
    ("target", "part"),
    [
        ("e2v.lancedb/x.duckdb", "lies in the database"),
        ("no/such/x.duckdb", "There is no folder"),
        ("x", "does not say what to publish"),
        ("s3://bucket/x.duckdb", "no local path"),
        ("folder.duckdb", "is a folder"),
        ("stranger.duckdb", "was not published by e2vdb"),
        ("other.duckdb", "was not published by e2vdb"),
        ("other.parquet", "was not published by e2vdb"),
        ("full/", "holds other files"),
        ("stranger.duckdb/", "is a file"),
    ],
)
def test_refused_targets(small, target: str, part: str) -> None:
    folder = small.parent
    (folder / "folder.duckdb").mkdir()
    (folder / "stranger.duckdb").write_text("not a database")
    (folder / "full").mkdir()
    (folder / "full" / "thesis.txt").write_text("mine")
    with duckdb.connect(folder / "other.duckdb") as other:
        other.execute("CREATE TABLE meta_tables (a INTEGER)")
        other.execute(f"COPY (SELECT 1 AS a) TO '{folder / 'other.parquet'}'")
    before = sorted((one.name, one.stat().st_size) for one in folder.iterdir())
    done = e2vdb("publish", target if ":" in target else f"{folder}/{target}", "--db", small)
    assert (done.code, done.raw, done.err.count("\n")) == (1, b"", 1)
    assert part in done.err
    assert sorted((one.name, one.stat().st_size) for one in folder.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--since", "yesterday"], "is no date"),
        (["--since", "2024-01-01T00:00+08:00"], "without one"),
        (["--timezone", "Mars/Phobos"], "no time zone"),
        (["--timezone", "'; DROP"], "no time zone"),
        (["--frame-step", "0.01"], "frame step"),
        (["--frame-step", "nan"], "frame step"),
        (["--every", "10 parsecs"], "such as 30s"),
        (["--every", "1m", "--as-of", "1"], "does not change"),
        (["--for", "tableau"], "embedding-atlas"),
        (["--for", "embedding-atlas"], ".parquet"),
        (["--as-of", "77"], "no version 77"),
    ],
)
def test_refused_options(small, words: list[str], part: str) -> None:
    done = e2vdb("publish", small.parent / "x.duckdb", *words, "--db", small)
    assert (done.code, done.raw, done.err.count("\n")) == (1, b"", 1)
    assert part in done.err
    assert [one.name for one in small.parent.iterdir() if "x.duckdb" in one.name] == []


def test_refused_choices_in_python(small) -> None:
    with package.connect(small) as db:
        for choices in ({"vectors": "some"}, {"vektors": "none"}):
            with pytest.raises(UsageError):
                db.publish(small.parent / "x.duckdb", **choices)


def test_a_link_keeps_pointing_to_what_was_published(small) -> None:
    (small.parent / "real").mkdir()
    link = small.parent / "link.duckdb"
    link.symlink_to(small.parent / "real" / "bi.duckdb")
    with package.connect(small) as db:
        assert db.publish(link).target == small.parent / "real" / "bi.duckdb"
    assert link.is_symlink()
    with duckdb.connect(link, read_only=True) as bi:
        assert bi.execute("SELECT count(*) FROM calls").fetchall() == [(2,)]


def test_an_empty_database_can_be_published(tmp_path) -> None:
    (tmp_path / "in").mkdir()
    with package.connect(tmp_path / "e.lancedb") as db:
        try:
            db.set("variance", 0.9)
            db.publish(tmp_path / "bi.duckdb")
        except E2VError as error:
            pytest.fail(str(error))
    with duckdb.connect(tmp_path / "bi.duckdb", read_only=True) as bi:
        assert bi.execute("FROM calls").fetchall() == []
        assert bi.execute("FROM agent_health()").fetchall() == []
