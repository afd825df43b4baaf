"""A small published file, a server on it and a client, for tests that go over the wire."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from serving import TOKEN, Wire, free_port, write_publication

from e2vdb.serve.server import Server


@contextmanager
def serving(folder: Path) -> Iterator[Wire]:
    file = write_publication(folder / "bi 分析.duckdb", calls=5)
    port = free_port()
    server = Server(file, TOKEN, "127.0.0.1", port)
    wire = Wire(server, file, port)
    yield wire
    wire.close()
    server.close()


@pytest.fixture(scope="module")
def wire(quack: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """A server on a file of 5 calls and clients of it, for tests that leave the file alone."""
    with serving(tmp_path_factory.mktemp("serve")) as wire:
        yield wire


@pytest.fixture
def moving(quack: None, tmp_path: Path) -> Iterator[Wire]:
    """A server on a file that the test publishes anew."""
    with serving(tmp_path) as wire:
        yield wire


@pytest.fixture(scope="session")
def quack() -> None:
    """Skip where DuckDB has no Quack."""
    import duckdb

    from e2vdb.errors import E2VError
    from e2vdb.serve.extension import load_quack

    with duckdb.connect() as connection:
        try:
            load_quack(connection)
        except E2VError as error:
            pytest.skip(str(error))
