"""One demo database for all SQL, query and command-line tests, made once a run."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from build import write_output

import e2vdb
from e2vdb.demo import DemoTruth, write_demo


@dataclass(frozen=True)
class DemoDatabase:
    """A demo tree of 300 calls, the database of it, and what was planted. Read only."""

    directory: Path
    address: Path
    truth: DemoTruth

    @property
    def outputs(self) -> Path:
        return self.directory / "outputs"

    def copy(self, to: Path) -> Path:
        """Return a copy that a test may write to."""
        return Path(shutil.copytree(self.address, to / "copy.lancedb"))


_made: list[DemoDatabase] = []


def demo_database(factory: pytest.TempPathFactory) -> DemoDatabase:
    if not _made:
        directory = factory.mktemp("demo") / "演示 demo"
        truth = write_demo(directory, calls=300)
        address = directory / "e2v.lancedb"
        with e2vdb.connect(address) as db:
            db.ingest(directory / "outputs", metadata=directory / "calls.csv", workers=1)
        _made.append(DemoDatabase(directory, address, truth))
    return _made[0]


def plain_database(directory: Path) -> Path:
    """Make a database of two directories with vectors of 8 values, without any metadata."""
    write_output(directory / "in", "outputs_20240104_223000", seed=1, dimension=8)
    write_output(directory / "in", "no_time", seed=2, dimension=8, result=None)
    address = directory / "plain.lancedb"
    with e2vdb.connect(address) as db:
        db.ingest(directory / "in", workers=1)
    return address
