"""A job of ingestion and what comes of it: all that travels between processes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import pyarrow as pa

from e2vdb.ingest.files import FileSystem
from e2vdb.ingest.frames import FrameSource
from e2vdb.ingest.layouts import Layout
from e2vdb.ingest.limits import Limits
from e2vdb.ingest.names import printable
from e2vdb.ingest.rejects import Reject, Unusable


class Place(NamedTuple):
    """A folder to visit: its path, the id its path gives, and which part of a long one."""

    path: str
    utterance_id: str
    part: int | None = None


class Known(NamedTuple):
    """What the database already has of an utterance, and of this folder's last visit."""

    content_hash: str | None = None
    home: str | None = None
    stamp: int = 0
    files: int = 0
    rejected: bool = False


UNKNOWN = Known()


class Stamp(NamedTuple):
    """How a recording's files looked when they were read, to know them untouched next time.

    `files` has a bit for each of `OWN_FILES`; 0 where the folder must be listed to be known.
    """

    utterance_id: str
    source_dir: str
    stamp: int
    files: int


@dataclass(frozen=True, slots=True)
class Job:
    """Folders to visit, and all that deciding about them takes.

    `prefix` starts the ids of what lies in `root`; `known` holds what is known of these folders.
    """

    files: FileSystem
    root: str
    prefix: str
    folders: tuple[Place, ...]
    known: Mapping[str, Known]
    dimension: int
    limits: Limits
    layouts: tuple[Layout, ...]
    frames: str = "full"
    reread: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the folders as columns: thousands of tuples take six times as long."""
        state = {field.name: getattr(self, field.name) for field in fields(self)}
        state["folders"] = tuple(zip(*self.folders, strict=True)) or ((), ())
        return _job, (state,)


def _job(state: dict[str, Any]) -> Job:
    return Job(**{**state, "folders": tuple(map(Place, *state["folders"]))})


@dataclass(slots=True)
class Reading:
    """What the visit found. `rows` are new and changed utterances, each one exactly once."""

    rows: pa.RecordBatch
    frames: list[FrameSource] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: int = 0
    rejects: list[Reject] = field(default_factory=list)
    rejected_before: list[tuple[str, str]] = field(default_factory=list)
    mended: list[tuple[str, str]] = field(default_factory=list)
    stamps: list[Stamp] = field(default_factory=list)
    folders: list[Place] = field(default_factory=list)
    links: int = 0


def reject(utterance_id: str, folder: str, error: Unusable) -> Reject:
    """Return the reject that an error of the readers makes of a folder."""
    return Reject(
        utterance_id, printable(folder), printable(error.path), error.code, printable(error.detail)
    )
