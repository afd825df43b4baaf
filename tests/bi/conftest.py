"""One published file of a demo database for every client."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import e2vdb
from e2vdb.demo import write_demo

E2VDB = [sys.executable, "-m", "e2vdb"]


@dataclass(frozen=True)
class Bi:
    """A demo database and the file published from it. Read only."""

    address: Path
    file: Path

    def live(self, query: str) -> list[list[Any]]:
        """Return what `e2vdb sql` answers on the live database."""
        done = subprocess.run(
            [*E2VDB, "--db", str(self.address), "sql", query, "--format", "jsonl"],
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        return [list(json.loads(line).values()) for line in done.stdout.splitlines()]


@pytest.fixture(scope="session")
def bi(tmp_path_factory: pytest.TempPathFactory) -> Bi:
    folder = tmp_path_factory.mktemp("bi") / "分析 bi"
    write_demo(folder, calls=600)
    address, file = folder / "e2v.lancedb", folder / "bi.duckdb"
    with e2vdb.connect(address) as db:
        db.ingest(folder / "outputs", metadata=folder / "calls.csv", workers=1)
        db.load_events(folder / "events.csv")
        db.cluster("all", 4)
        db.update_neighbors(3)
        db.references.add("good", where="emotion = 'happy'")
        db.publish(file)
    return Bi(address, file)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = os.path.dirname(__file__)
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.bi)
