"""The demo's planted truths in a database, and the same calls with every effect shuffled away."""

import csv
import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import e2vdb
from e2vdb.demo import DEMO_SEED, write_demo


@dataclass(frozen=True)
class Planted:
    """The demo's files and what was planted in them."""

    folder: Path
    truth: dict

    @property
    def uri(self) -> Path:
        return self.folder / "e2v.lancedb"


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    folder = tmp_path_factory.mktemp("planted")
    write_demo(folder, calls=2000, seed=DEMO_SEED)
    with e2vdb.connect(folder / "e2v.lancedb") as db:
        db.ingest(folder / "outputs", metadata=folder / "calls.csv")
        db.load_events(folder / "events.csv")
    return Planted(folder, json.loads((folder / "truth.json").read_text("utf-8")))


@pytest.fixture(scope="session")
def db(planted: Planted) -> Iterator[e2vdb.Database]:
    """The demo, to be read only."""
    with e2vdb.connect(planted.uri) as db:
        yield db


@pytest.fixture
def own_db(planted: Planted, tmp_path: Path) -> Iterator[e2vdb.Database]:
    """A copy of the demo, to be written to."""
    shutil.copytree(planted.uri, tmp_path / "own.lancedb")
    with e2vdb.connect(tmp_path / "own.lancedb") as db:
        yield db


@pytest.fixture(scope="session")
def shuffled(planted: Planted, tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """The demo with agents, products and times dealt anew: nothing depends on anything."""
    folder = tmp_path_factory.mktemp("shuffled")
    shutil.copytree(planted.uri, folder / "e2v.lancedb")
    with (planted.folder / "calls.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file))
    names = [row[0] for row in rows]
    random.Random(1).shuffle(names)
    with (folder / "calls.csv").open("w", encoding="utf-8", newline="") as file:
        dealt = [[name, *row[1:]] for name, row in zip(names, rows, strict=True)]
        csv.writer(file).writerows([header, *dealt])
    with e2vdb.connect(folder / "e2v.lancedb") as db:
        db.load_metadata(folder / "calls.csv")
        yield db
