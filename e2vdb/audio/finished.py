"""Which recordings an output folder holds already: what a result says it was made from."""

import hashlib
import os
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from e2vdb.audio.rejects import BadRecording
from e2vdb.ingest.layouts import RESULT
from e2vdb.ingest.names import printable
from e2vdb.ingest.times import is_output_name

_BLOCK = 1 << 22


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a recording is heard: by which weights, in which windows, keeping frames or not."""

    model_revision: str
    window_s: float
    overlap_s: float
    frames: bool

    def covers(self, wanted: "Recipe") -> bool:
        """Whether what this recipe gave is all that another would give."""
        return self.same_vectors(wanted) and (self.frames or not wanted.frames)

    def same_vectors(self, wanted: "Recipe") -> bool:
        """Whether two recipes give the same vectors; one may keep those of frames too."""
        return replace(self, frames=wanted.frames) == wanted


@dataclass(frozen=True, slots=True)
class Origin:
    """One channel of one recording, and how it was heard: equal origins give equal outputs."""

    audio_file: str
    channel: str
    sha256: str
    size: int
    mtime_ns: int
    recipe: Recipe

    def made_from(self) -> dict[str, Any]:
        """Return what result.json keeps of it under `made_from`."""
        return {
            "sha256": self.sha256,
            "size": self.size,
            "mtime_ns": self.mtime_ns,
            "window_s": self.recipe.window_s,
            "overlap_s": self.recipe.overlap_s,
            "frames": self.recipe.frames,
        }


@dataclass(frozen=True, slots=True)
class File:
    """A recording's file as it is now; its content is hashed when that is needed."""

    path: Path
    audio_file: str
    size: int
    mtime_ns: int

    def sha256(self) -> str:
        """Return the SHA-256 of the content. Raises `BadRecording`."""
        digest = hashlib.sha256()
        try:
            with self.path.open("rb") as stream:
                while block := stream.read(_BLOCK):
                    digest.update(block)
        except OSError as error:
            raise unreadable(self.path, error) from error
        return digest.hexdigest()


def file_of(path: Path) -> File:
    """Look at a recording's file. Raises `BadRecording`."""
    try:
        info = path.stat()
    except OSError as error:
        raise unreadable(path, error) from error
    return File(path, printable(str(path)), info.st_size, info.st_mtime_ns)


def unreadable(path: Path, error: OSError) -> BadRecording:
    """Return the reject that an operating-system error makes of a recording."""
    return BadRecording(path, "unreadable_file", (error.strerror or str(error)).lower())


class Finished:
    """The output directories of a folder, looked up by what they were made from."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._seen: set[str] = set()
        self._by_file: dict[str, list[tuple[Origin, Path]]] = defaultdict(list)
        self._by_content: dict[str, list[tuple[Origin, Path]]] = defaultdict(list)
        self.look()

    def look(self) -> None:
        """Take in the directories that have come since the last look."""
        with os.scandir(self._out) as entries:
            new = [one.name for one in entries if one.name not in self._seen]
        for name in sorted(filter(is_output_name, new)):
            self._seen.add(name)
            self.note(self._out / name)

    def note(self, folder: Path) -> None:
        """Take in one directory; one that `embed` did not write is left out."""
        self._seen.add(folder.name)
        origin = _origin(folder)
        if origin is not None:
            self._by_file[origin.audio_file].append((origin, folder))
            self._by_content[origin.sha256].append((origin, folder))

    def has(self, file: File, channel: str, recipe: Recipe) -> bool:
        """Whether a channel of a file has been heard so, judged by the file's times alone."""
        return any(
            (one.channel, one.size, one.mtime_ns) == (channel, file.size, file.mtime_ns)
            and one.recipe.covers(recipe)
            for one, _ in self._by_file[file.audio_file]
        )

    def find(self, wanted: Origin) -> tuple[Origin, Path] | None:
        """Return the directory with the vectors of the same content of the same recording.

        A recording that has moved since is the same one; a copy beside it is another.
        """
        for origin, folder in reversed(self._by_content[wanted.sha256]):
            heard_so = origin.channel == wanted.channel
            heard_so = heard_so and origin.recipe.same_vectors(wanted.recipe)
            if heard_so and (origin.audio_file == wanted.audio_file or _is_gone(origin)):
                return origin, folder
        return None


def _is_gone(origin: Origin) -> bool:
    """Whether the recording lies there no more; of a name that is no text nobody can say."""
    return "\\x" not in origin.audio_file and not os.path.lexists(origin.audio_file)


def _origin(folder: Path) -> Origin | None:
    try:
        document = orjson.loads((folder / RESULT).read_bytes())
        made_from = document["made_from"]
        return Origin(
            str(document["audio_file"]),
            str(document["channel"]),
            str(made_from["sha256"]),
            int(made_from["size"]),
            int(made_from["mtime_ns"]),
            Recipe(
                str(document["model_revision"]),
                float(made_from["window_s"]),
                float(made_from["overlap_s"]),
                bool(made_from["frames"]),
            ),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
