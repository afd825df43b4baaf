"""Reading a whole tree as the loader does, folder level by folder level, with nothing stored."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from e2vdb.ingest.batches import read_directories
from e2vdb.ingest.files import LocalFiles
from e2vdb.ingest.frames import FrameSource
from e2vdb.ingest.jobs import Job, Known, Place, Reading, Stamp
from e2vdb.ingest.layouts import layouts
from e2vdb.ingest.limits import Limits
from e2vdb.ingest.rejects import Reject


@dataclass
class Tree:
    """What all readings of one tree found together."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    rejects: dict[str, Reject] = field(default_factory=dict)
    frames: dict[str, FrameSource] = field(default_factory=dict)
    readings: list[Reading] = field(default_factory=list)

    @property
    def codes(self) -> dict[str, str]:
        return {name: reject.code for name, reject in self.rejects.items()}

    @property
    def known(self) -> dict[str, Known]:
        """What the loader would remember of these rows for the next visit."""
        stamps = {one.utterance_id: one for reading in self.readings for one in reading.stamps}
        untrusted = Stamp("", "", 0, 0)
        known = {}
        for name, row in self.rows.items():
            _, _, stamp, files = stamps.get(name, untrusted)
            known[name] = Known(row["content_hash"], row["source_dir"], stamp, files)
        return known

    @property
    def unchanged(self) -> int:
        return sum(reading.unchanged for reading in self.readings)

    @property
    def links(self) -> int:
        return sum(reading.links for reading in self.readings)

    @property
    def updated(self) -> list[str]:
        return [name for reading in self.readings for name in reading.updated]

    def take(self, reading: Reading) -> None:
        self.readings.append(reading)
        for row in reading.rows.to_pylist():
            assert row["utterance_id"] not in self.rows, "an id came twice"
            self.rows[row["utterance_id"]] = row
        for reject in reading.rejects:
            self.rejects[reject.utterance_id] = reject
        self.frames.update({source.utterance_id: source for source in reading.frames})


def make_job(root: Path, *places: Place, **changes: Any) -> Job:
    """A job over these folders, by default the root alone."""
    root = root.resolve()
    settings: dict[str, Any] = {
        "files": LocalFiles(str(root)),
        "root": str(root),
        "prefix": "",
        "folders": places or (Place(str(root), root.name),),
        "known": {},
        "dimension": 1024,
        "limits": Limits(),
        "layouts": layouts(),
    }
    return Job(**{**settings, **changes})


def read_tree(root: Path, **changes: Any) -> Tree:
    """Read everything below `root`; arguments are fields of the job."""
    tree = Tree()
    job = make_job(root, **changes)
    while job.folders:
        reading = read_directories(job)
        tree.take(reading)
        job = make_job(root, **{**changes, "folders": tuple(reading.folders)})
        if not reading.folders:
            return tree
    return tree


@pytest.fixture
def read() -> Callable[..., Tree]:
    return read_tree


@pytest.fixture
def job_for() -> Callable[..., Job]:
    return make_job


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "outputs"
    folder.mkdir()
    return folder
