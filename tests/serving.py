"""Builders for tests of `e2vdb serve`: published files by hand, and clients over the wire."""

import socket
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from e2vdb.serve.extension import load_quack
from e2vdb.serve.server import Server

TOKEN = "不 a token'of tests"


def write_publication(file: Path, calls: int) -> Path:
    """Write a small file as `e2vdb publish` does: beside the target, then renamed over it."""
    new = file.with_name("new.duckdb")
    path = str(new).replace("'", "''")
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS made (STORAGE_VERSION 'v1.0.0'); USE made")
        connection.execute(
            f"CREATE TABLE calls AS SELECT i AS call, '王芳' AS agent FROM range({calls}) t(i)"
        )
        connection.execute("COMMENT ON TABLE calls IS 'one row a call'")
        connection.execute("COMMENT ON COLUMN calls.agent IS '坐席''s name'")
        connection.execute(
            f"CREATE TABLE meta AS SELECT now()::TIMESTAMP AS published_at, {calls} n"
        )
        connection.execute("CREATE VIEW first_calls AS FROM calls WHERE call < 2")
        connection.execute("CREATE MACRO emotion_zh(e) AS CASE e WHEN 'angry' THEN '生气' END")
        connection.execute("CREATE MACRO calls_below(n := 2) AS TABLE FROM calls WHERE call < n")
        connection.execute("USE memory; DETACH made")
    new.replace(file)
    return file


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def client(port: int, token: str = TOKEN) -> duckdb.DuckDBPyConnection:
    """Return a DuckDB of its own with the server attached as `r`."""
    connection = duckdb.connect()
    load_quack(connection)
    quoted = token.replace("'", "''")
    try:
        connection.execute(f"ATTACH 'quack:127.0.0.1:{port}' AS r (TOKEN '{quoted}')")
    except duckdb.Error:
        connection.close()
        raise
    return connection


@dataclass
class Wire:
    """A running server, the file it serves and its clients."""

    server: Server
    file: Path
    port: int
    clients: list[duckdb.DuckDBPyConnection] = field(default_factory=list)

    def client(self, token: str = TOKEN) -> duckdb.DuckDBPyConnection:
        self.clients.append(client(self.port, token))
        return self.clients[-1]

    def ask(self, query: str) -> list[tuple]:
        """Run SQL at the server, as it is written, and return its rows."""
        if not self.clients:
            self.client()
        return self.clients[0].execute("FROM quack_query_by_name('r', $1)", [query]).fetchall()

    def close(self) -> None:
        for one in self.clients:
            one.close()
