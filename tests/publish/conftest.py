"""A demo database with everything that can be published, and one publication of it."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pytest
from build import write_output
from publishing import ZONE

import e2vdb
from e2vdb.demo import write_demo
from e2vdb.publish.publish import PublishSummary


@dataclass(frozen=True)
class Published:
    """A database with every kind of table, and a file published from it. Read only."""

    address: Path
    file: Path
    summary: PublishSummary

    def copy(self, to: Path) -> Path:
        """Return a copy of the database that a test may write to."""
        return Path(shutil.copytree(self.address, to / "copy.lancedb"))


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    folder = tmp_path_factory.mktemp("publish")
    write_demo(folder, calls=400)
    address = folder / "e2v.lancedb"
    with e2vdb.connect(address) as db:
        db.ingest(folder / "outputs", metadata=folder / "calls.csv", workers=1)
        db.load_events(folder / "events.csv")
        db.cluster("anger", 3, where="emotion = 'angry'")
        db.cluster("all", 4)
        db.label_cluster("anger", 1, "tired 累")
        db.map("all", method="pca")
        db.update_neighbors(3)
        db.references.add("good", where="emotion = 'happy'")
        db.references.add("calm", where="emotion = 'neutral'")
        db.import_head(head(folder / "head.npz"))
        summary = db.publish(folder / "bi.duckdb", timezone=ZONE)
    return Published(address, folder / "bi.duckdb", summary)


def head(file: Path) -> Path:
    rng = np.random.default_rng(5)
    weight, bias = rng.standard_normal((9, 1024)) / 32, np.zeros(9)
    np.savez(file, weight=weight.astype(np.float32), bias=bias.astype(np.float32))
    return file


@pytest.fixture
def bi(published: Published) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published file, as any client opens it."""
    with duckdb.connect(published.file, read_only=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def live(published: Published) -> Iterator[e2vdb.Database]:
    """The database that was published, with all our functions."""
    with e2vdb.connect(published.address) as db:
        yield db


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A database of two calls with vectors of 8 values, to be written to; its folder is its own."""
    for number in (1, 2):
        name = f"outputs_2024010{number}_000000"
        write_output(tmp_path / "in", name, seed=number, dimension=8)
    with e2vdb.connect(tmp_path / "e2v.lancedb") as db:
        db.ingest(tmp_path / "in", workers=1)
    return tmp_path / "e2v.lancedb"
