"""Each statement sees the newest commit, on every connection, and never two commits at once."""

import subprocess
import sys
from pathlib import Path

import lance
import pytest
from build import write_output
from demo_database import DemoDatabase, plain_database

import e2vdb

COUNT = "SELECT count(*) FROM calls"


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return plain_database(tmp_path)


def add_directory(address: Path, name: str) -> None:
    write_output(address.parent / "in", name, dimension=8, seed=hash(name) % 1000)
    with e2vdb.connect(address) as other:
        other.ingest(address.parent / "in", workers=1)


def in_another_process(address: Path, line: str) -> None:
    code = f"import e2vdb\nwith e2vdb.connect({str(address)!r}) as db:\n    {line}\n"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_sql_and_a_plain_connection_see_what_another_database_commits(plain: Path) -> None:
    with e2vdb.connect(plain) as db:
        connection = db.connection()
        assert db.sql(COUNT).fetchall() == connection.execute(COUNT).fetchall() == [(2,)]
        for expected in (3, 4, 5):
            add_directory(plain, f"call_{expected}")
            assert db.sql(COUNT).fetchall() == [(expected,)]
            assert connection.execute(COUNT).fetchall() == [(expected,)]
            assert connection.sql("SELECT count(*) FROM utterances").fetchall() == [(expected,)]


def test_another_process_commits(plain: Path) -> None:
    write_output(plain.parent / "in", "more", dimension=8)
    with e2vdb.connect(plain) as db:
        connection = db.connection()
        before = [db.sql(COUNT).fetchall(), connection.execute(COUNT).fetchall()]
        in_another_process(plain, f"db.ingest({str(plain.parent / 'in')!r}, workers=1)")
        after = [db.sql(COUNT).fetchall(), connection.execute(COUNT).fetchall()]
    assert (before, after) == ([[(2,)], [(2,)]], [[(3,)], [(3,)]])


def test_statements_without_a_pause_between_them_do_not_hide_a_commit(plain: Path) -> None:
    with e2vdb.connect(plain) as db:
        connection = db.connection()
        for _ in range(20):
            connection.execute(COUNT).fetchall()
        add_directory(plain, "late")
        # Straight after the commit, in a row of statements that leave no gap.
        assert [connection.execute(COUNT).fetchall() for _ in range(3)] == [[(3,)]] * 3


def test_a_relation_is_read_when_it_is_fetched(plain: Path) -> None:
    with e2vdb.connect(plain) as db:
        relation = db.sql(COUNT)
        add_directory(plain, "late")
        assert relation.fetchall() == [(3,)]


def test_one_statement_reads_one_version(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit that lands between the two scans of a join is not seen by the second."""
    from e2vdb.query.relation import StoredTable

    original, scans = StoredTable.scanner, []

    def scanner(self, *arguments, **options):
        scans.append(self)
        if len(scans) == 1:
            add_directory(plain, "between")
        return original(self, *arguments, **options)

    query = (
        "SELECT (SELECT count(*) FROM utterances WHERE norm > 0), "
        "(SELECT count(*) FROM utterances WHERE norm < 1000)"
    )
    with e2vdb.connect(plain) as db:
        connection = db.connection()
        monkeypatch.setattr(StoredTable, "scanner", scanner)
        for ask in (db.sql, connection.sql):
            scans.clear()
            first, second = ask(query).fetchall()[0]
            assert first == second
            assert len(scans) == 2


def test_metadata_and_its_new_columns_appear(plain: Path) -> None:
    file = plain.parent / "extra.csv"
    file.write_text("utterance_id,agent,region\nno_time,王芳,north\n", encoding="utf-8")
    query = "SELECT utterance_id, region FROM calls WHERE agent = '王芳'"
    with e2vdb.connect(plain) as db, e2vdb.connect(plain) as other:
        connection = db.connection()
        assert db.sql("SELECT count(agent) FROM calls").fetchall() == [(0,)]
        other.load_metadata(file)
        assert db.sql(query).fetchall() == [("no_time", "north")]
        # A plain connection has its columns from the beginning; new rows and values it sees.
        assert connection.execute("SELECT count(agent) FROM calls").fetchall() == [(1,)]
        assert db.connection().execute(query).fetchall() == [("no_time", "north")]


def test_own_writes_bring_new_columns_to_connections_given_out(plain: Path) -> None:
    file = plain.parent / "extra.csv"
    file.write_text("utterance_id,region\nno_time,north\n", encoding="utf-8")
    with e2vdb.connect(plain) as db:
        connection = db.connection()
        db.load_metadata(file)
        assert connection.execute("SELECT count(region) FROM calls").fetchall() == [(1,)]


def test_as_of_stays(plain: Path) -> None:
    with e2vdb.connect(plain) as db:
        version = db.info().tables[0].version
        db.tag("before")
    add_directory(plain, "late")
    for as_of in (version, str(version), "before"):
        with e2vdb.connect(plain, as_of=as_of) as past:
            connection = past.connection()
            assert past.sql(COUNT).fetchall() == connection.execute(COUNT).fetchall() == [(2,)]
            add_directory(plain, f"after_{as_of}")
            assert past.sql(COUNT).fetchall() == connection.execute(COUNT).fetchall() == [(2,)]
            with pytest.raises(e2vdb.E2VError, match="cannot be written"):
                past.ingest(plain.parent / "in")


def test_rows_match_lance_itself(demo: DemoDatabase) -> None:
    stored = lance.dataset(str(demo.address / "utterances.lance"))
    with e2vdb.connect(demo.address) as db:
        ours = db.sql("SELECT utterance_id, norm FROM utterances").to_arrow_table()
    theirs = stored.to_table(columns=["utterance_id", "norm"])
    key = "utterance_id"
    assert ours.sort_by(key).to_pydict() == theirs.sort_by(key).to_pydict()
