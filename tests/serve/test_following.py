"""A new publish is served without ending sessions, and running queries keep their file."""

import os

import duckdb
import pytest
from serving import Wire, write_publication

from e2vdb.errors import InputError
from e2vdb.serve import server


def test_sessions_see_the_new_publish(moving: Wire):
    client = moving.client()
    assert not moving.server.refresh()
    for calls in (6, 7, 8):
        write_publication(moving.file, calls)
        assert moving.server.refresh()
        assert client.execute("SELECT count(*) FROM r.calls").fetchall() == [(calls,)]
        assert moving.ask("SELECT count(*) FROM calls_below(n := 100)") == [(calls,)]
        assert moving.server.published()["n"] == calls


def test_a_query_that_runs_finishes_on_its_file(moving: Wire):
    rows = 2_000_000
    write_publication(moving.file, rows)
    moving.server.refresh()
    reader = moving.client().execute("FROM r.query('FROM calls')")
    assert len(reader.fetchmany(10)) == 10
    for calls in (6, 7):
        write_publication(moving.file, calls)
        moving.server.refresh()
        assert moving.client().execute("SELECT count(*) FROM r.calls").fetchall() == [(calls,)]
    assert len(reader.fetchall()) == rows - 10


def test_a_file_that_cannot_be_served_leaves_the_one_before(moving: Wire):
    def served() -> list[tuple]:
        return moving.ask("SELECT count(*) FROM calls")

    broken = moving.file.with_name("broken")
    broken.write_bytes(b"not a database")
    broken.replace(moving.file)
    with pytest.raises(InputError, match="not a file that DuckDB opens"):
        moving.server.refresh()
    assert served() == [(5,)]

    other = moving.file.with_name("other.duckdb")
    with duckdb.connect(other) as connection:
        connection.execute("CREATE TABLE calls (i INTEGER)")
    other.replace(moving.file)
    with pytest.raises(InputError, match="was not written by `e2vdb publish`"):
        moving.server.refresh()
    assert served() == [(5,)]

    moving.file.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        moving.server.refresh()
    assert served() == [(5,)]

    write_publication(moving.file, 9)
    assert moving.server.refresh()
    assert served() == [(9,)]


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="lists open files in /proc")
def test_files_of_the_past_are_let_go(moving: Wire, monkeypatch):
    monkeypatch.setattr(server, "LINGER_S", 0)
    client = moving.client()
    for calls in range(6, 16):
        write_publication(moving.file, calls)
        moving.server.refresh()
        client.execute("FROM r.calls").fetchall()
    moving.server.refresh()
    links = (f"/proc/self/fd/{one}" for one in os.listdir("/proc/self/fd"))
    held = [os.readlink(one) for one in links if os.path.islink(one)]
    assert sum(moving.file.name in one for one in held) == 1
