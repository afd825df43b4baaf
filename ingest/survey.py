"""A look at a tree before it is read: which dimension its vectors have, which output is newest."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from e2vdb.ingest.files import FileSystem
from e2vdb.ingest.jobs import Place
from e2vdb.ingest.layouts import Folder, Layout, Recording, recordings_in
from e2vdb.ingest.names import printable
from e2vdb.ingest.npy import HEAD, parse_header
from e2vdb.ingest.rejects import Unusable
from e2vdb.ingest.times import is_output_name, time_in_name

SAMPLE = 256
CLEAR = 0.95
"""Share of a sample past which the rest of the tree need not be asked."""


def survey_dimension(files: FileSystem, root: Place, layouts: tuple[Layout, ...]) -> int | None:
    """Return the dimension that most recordings have, None where there is no readable vector."""
    folders = list(_walk(files, root, enough=20 * SAMPLE))
    step = max(1, len(folders) // SAMPLE)
    counts = _dimensions(files, folders[::step], layouts)
    if counts.total() >= 8 and counts.most_common(1)[0][1] >= CLEAR * counts.total():
        return counts.most_common(1)[0][0]
    counts = _dimensions(files, _walk(files, root), layouts)
    return max(counts, key=lambda one: (counts[one], one), default=None)


def _walk(files: FileSystem, root: Place, enough: int | None = None) -> Iterator[Place]:
    """Yield folders level by level; unreadable ones are the ingest's to report."""
    level = [root]
    seen = 0
    while level:
        yield from level
        seen += len(level)
        if enough is not None and seen >= enough:
            return
        below: list[Place] = []
        for place in level:
            try:
                names = files.list(place.path).folders
            except Unusable:
                continue
            below += [Place(f"{place.path}/{name}", printable(name)) for name in names]
        level = below


def _dimensions(
    files: FileSystem, places: "list[Place] | Iterator[Place]", layouts: tuple[Layout, ...]
) -> Counter[int]:
    counts: Counter[int] = Counter()
    for place in places:
        try:
            folder = Folder(place.path, place.utterance_id, files.list(place.path).files)
        except Unusable:
            continue
        for recording in recordings_in(folder, layouts)[: 4 * SAMPLE]:
            dimension = _dimension(files, recording)
            if dimension is not None:
                counts[dimension] += 1
    return counts


def _dimension(files: FileSystem, recording: Recording) -> int | None:
    for name in (recording.embedding, recording.frames):
        if name is not None:
            path = f"{recording.folder}/{name}"
            try:
                return parse_header(files.read(path, HEAD), path).columns
            except Unusable:
                continue
    return None


def latest_output(files: FileSystem, root: Place) -> str | None:
    """Return the path of the newest output directory, by the time in its name."""
    newest: tuple[datetime, str] | None = None
    for place in _walk(files, root):
        name = place.path.rpartition("/")[2]
        moment = time_in_name(name) if is_output_name(name) else None
        if moment is not None and (newest is None or (moment, place.path) > newest):
            newest = (moment, place.path)
    return newest[1] if newest else None
