"""`e2vdb serve` as an operator runs it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pytest
from serving import client, free_port, write_publication

from e2vdb.errors import E2VError
from e2vdb.serve.extension import load_quack

needs_quack = pytest.mark.usefixtures("quack")
RUN = [sys.executable, "-m", "e2vdb", "serve"]


@contextmanager
def running(*arguments: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    environment = {name: value for name, value in os.environ.items() if name != "E2VDB_TOKEN"}
    process = subprocess.Popen(
        [*RUN, *arguments],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment | variables,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return process.stderr.readline()


@needs_quack
@pytest.mark.parametrize("one", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_follows_and_ends_cleanly(tmp_path, one):
    file, port = write_publication(tmp_path / "bi.duckdb", 5), free_port()
    with running(str(file), "--port", str(port)) as process:
        assert said(process).startswith(f"Serving {file} at quack:127.0.0.1:{port}, published 20")
        token = said(process).removeprefix("Token, shown this once: ").strip()
        connection = client(port, token)
        assert connection.execute("SELECT count(*) FROM r.calls").fetchall() == [(5,)]
        write_publication(file, 6)
        assert said(process).startswith(f"Serving the new {file}, published 20")
        assert connection.execute("SELECT count(*) FROM r.calls").fetchall() == [(6,)]
        file.with_name("x").write_bytes(b"junk")
        file.with_name("x").replace(file)
        assert said(process).startswith("Still serving the file before: ")
        process.send_signal(one)
        out, rest = process.communicate(timeout=60)
        assert (process.returncode, out, rest) == (0, "", "")
        connection.close()


@needs_quack
def test_the_token_comes_from_a_file_or_the_environment_and_is_not_printed(tmp_path):
    file = write_publication(tmp_path / "bi.duckdb", 5)
    secret = tmp_path / "token"
    secret.write_text("of the file, long\n")
    for arguments, variables, token in [
        ((), {"E2VDB_TOKEN": "of the environment"}, "of the environment"),
        (("--token-file", str(secret)), {"E2VDB_TOKEN": "other"}, "of the file, long"),
    ]:
        port = free_port()
        with running(str(file), "--port", str(port), *arguments, **variables) as process:
            first = said(process)
            with pytest.raises(duckdb.Error):
                client(port, "other").execute("FROM r.calls")
            with client(port, token) as connection:
                assert connection.execute("SELECT count(*) FROM r.calls").fetchall() == [(5,)]
            process.terminate()
            out, rest = process.communicate(timeout=60)
            assert process.returncode == 0
            assert token not in out + first + rest


@needs_quack
def test_another_host_than_this_machine_is_warned_of(tmp_path):
    file, port = write_publication(tmp_path / "bi.duckdb", 5), free_port()
    with running(str(file), "--port", str(port), "--host", "0.0.0.0", E2VDB_TOKEN="short") as one:
        assert said(one).startswith("Serving ")
        assert said(one).startswith("Warning: 0.0.0.0 can be reached from other machines")
        assert said(one).startswith("Warning: a token of 5 characters can be guessed")


def fails(*arguments: str, **variables: str) -> str:
    with running(*arguments, **variables) as process:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 1
        assert out == ""
        assert err.startswith("Error: ")
        assert err.count("\n") == 1, err
        return err


def test_mistakes_are_one_sentence(tmp_path):
    file = write_publication(tmp_path / "bi.duckdb", 5)
    missing = tmp_path / "no.duckdb"
    assert f"`e2vdb publish {missing}` writes it" in fails(str(missing))
    assert "needs 4 or more" in fails(str(file), E2VDB_TOKEN="abc")
    assert "cannot be read as text" in fails(str(file), "--token-file", str(missing))
    assert "is not a file" in fails(str(file), "--extension", str(missing))


def test_a_missing_extension_is_told_with_its_remedy(tmp_path):
    with duckdb.connect() as connection:
        try:
            load_quack(connection)
        except E2VError:
            said = fails(str(write_publication(tmp_path / "bi.duckdb", 5)))
            assert f"DuckDB {duckdb.__version__} has no extension" in said
            assert "pip install" in said
            assert "duckdb-extension-quack==" in said
        else:
            pytest.skip("the extension is here")


@needs_quack
def test_files_that_cannot_be_served_and_ports_in_use_are_one_sentence(tmp_path):
    file, port = write_publication(tmp_path / "bi.duckdb", 5), str(free_port())
    other = tmp_path / "other.duckdb"
    with duckdb.connect(other) as connection:
        connection.execute("CREATE TABLE t (i INTEGER)")
    assert "was not written by `e2vdb publish`" in fails(str(other))
    junk = tmp_path / "junk.duckdb"
    junk.write_text("junk")
    assert "not a file that DuckDB opens" in fails(str(junk))
    assert "cannot load" in fails(str(file), "--extension", str(junk))
    with running(str(file), "--port", port) as process:
        said(process)
        assert f"Port {port} of 127.0.0.1 cannot be had" in fails(str(file), "--port", port)
