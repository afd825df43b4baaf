"""A list of folders in, Arrow rows out: a pure function of picklable arguments."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from e2vdb.ingest.files import FileSystem
from e2vdb.ingest.frames import FrameSource
from e2vdb.ingest.layouts import OWN_FILES, Folder, Layout, Recording, recordings_in
from e2vdb.ingest.limits import Limits
from e2vdb.ingest.names import printable
from e2vdb.ingest.npy import Floats
from e2vdb.ingest.recordings import Utterance, read_recording
from e2vdb.ingest.rejects import Reject, Unusable
from e2vdb.ingest.schema import utterances_schema

CLOCK_TICK_NS = 20_000_000
"""File times are this coarse, so a file changed just now is read when the tick is over."""


PART = 4096
"""Recordings of one folder that are read in one go; a longer folder is shared out in parts."""


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


def read_directories(job: Job) -> Reading:
    """Visit the job's folders and read each recording that the database does not have yet.

    Folders found below them are returned, not followed, so that the caller can share them out.
    """
    reading = Reading(_no_rows(job.dimension))
    utterances: list[Utterance] = []
    for place in job.folders:
        known = job.known.get(place.utterance_id, UNKNOWN)
        if known.files and not job.reread and _untouched(job, place, known, reading):
            continue
        utterances += _visit(job, place, reading)
    reading.rows = _checked_rows(job, utterances, reading)
    return reading


def _untouched(job: Job, place: Place, known: Known, reading: Reading) -> bool:
    """Settle a folder by its file times alone; False where it must be listed."""
    paths = [place.path]
    paths += [
        f"{place.path}/{name}" for bit, name in enumerate(OWN_FILES) if known.files >> bit & 1
    ]
    try:
        stamp, _ = job.files.stamp(paths)
    except Unusable:
        return False
    if known.stamp != _with_mode(stamp, job):
        return False
    _count_known(place.utterance_id, printable(place.path), known, reading)
    return True


def _count_known(utterance_id: str, source_dir: str, known: Known, reading: Reading) -> None:
    if known.rejected:
        reading.rejected_before.append((utterance_id, source_dir))
    else:
        reading.unchanged += 1


def _with_mode(stamp: int, job: Job) -> int:
    """Make a stamp of another `--frames` mode differ, so that the frames are read anew."""
    mode = ("full", "distilled", "none").index(job.frames)
    return hash((stamp, mode))


def _visit(job: Job, place: Place, reading: Reading) -> list[Utterance]:
    path, utterance_id, part = place
    try:
        listing = job.files.list(path)
    except Unusable as error:
        reading.rejects.append(_reject(utterance_id, path, error))
        return []
    prefix = job.prefix if path == job.root else f"{utterance_id}/"
    below = _places(path, prefix, listing.folders)
    recordings = recordings_in(Folder(path, utterance_id, listing.files), job.layouts)
    if part is None:
        reading.links += listing.links
        reading.folders += below
        _note_plain_folder(job, place, recordings, reading)
        if len(recordings) > PART:
            parts = range(-(-len(recordings) // PART))
            reading.folders += [Place(path, utterance_id, number) for number in parts]
            return []
    else:
        recordings = recordings[part * PART : (part + 1) * PART]
    claimed = _claimed_below(job, recordings, below)
    found = (_read(job, one, bool(below), claimed, reading) for one in recordings)
    return [utterance for utterance in found if utterance is not None]


def _note_plain_folder(
    job: Job, place: Place, recordings: list[Recording], reading: Reading
) -> None:
    """Take back the reject of a folder that can be listed now and is no recording itself."""
    known = job.known.get(place.utterance_id, UNKNOWN)
    if known.rejected and all(one.utterance_id != place.utterance_id for one in recordings):
        reading.mended.append((place.utterance_id, printable(place.path)))


def _read(
    job: Job, recording: Recording, has_folders: bool, claimed: set[str], reading: Reading
) -> Utterance | None:
    """Read a recording that is new or changed; count one that is neither."""
    utterance_id, source_dir = recording.utterance_id, printable(recording.folder)
    known = job.known.get(utterance_id, UNKNOWN)
    try:
        stamp = _stamp(job, recording, has_folders, known, reading)
        if stamp == known.stamp != 0 and not job.reread:
            _count_known(utterance_id, source_dir, known, reading)
            return None
        if utterance_id in claimed:
            detail = "a folder below it gives the same id; rename one of them"
            raise Unusable("id_conflict", recording.folder, detail)
        utterance = read_recording(
            job.files,
            recording,
            dimension=job.dimension,
            frames=job.frames,
            tolerance=job.limits.frames_tolerance,
        )
        if known.content_hash is None:
            return utterance
        same = known.content_hash == utterance.content_hash
        if known.home != source_dir and not same:
            raise Unusable("id_conflict", recording.folder, _conflict(known))
    except Unusable as error:
        reading.rejects.append(_reject(utterance_id, recording.folder, error))
        return None
    if same and not job.reread:
        reading.unchanged += 1
        if known.rejected:
            reading.mended.append((utterance_id, source_dir))
        return None
    return utterance


def _claimed_below(job: Job, recordings: list[Recording], below: list[Place]) -> set[str]:
    """Return which ids a folder below gives too, as one of a flat key's name beside it may.

    Files of the root itself carry the root's name, so a folder of that name is looked into.
    """
    if not (recordings and below):
        return set()
    ids = {one.utterance_id for one in recordings}
    wanted = ids | {parent for one in ids for parent in _parents(one)}
    claimed: set[str] = set()
    for path, folder_id, _ in below:
        if folder_id in wanted:
            try:
                listing = job.files.list(path)
            except Unusable:
                continue  # it is a reject itself
            found = recordings_in(Folder(path, folder_id, listing.files), job.layouts)
            claimed.update(one.utterance_id for one in found if one.utterance_id in ids)
            deeper = _places(path, f"{folder_id}/", listing.folders)
            claimed |= _claimed_below(job, recordings, deeper)
    return claimed


def _parents(utterance_id: str) -> list[str]:
    parts = utterance_id.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _places(path: str, prefix: str, names: list[str]) -> list[Place]:
    return [Place(f"{path}/{name}", prefix + printable(name)) for name in names]


def _conflict(known: Known) -> str:
    return (
        f"the id belongs to other content from {known.home}; "
        "ingest this tree with --source NAME to keep both"
    )


def _stamp(
    job: Job, recording: Recording, has_folders: bool, known: Known, reading: Reading
) -> int:
    """Return how the files look now, before they are read, and note it where it is news."""
    names = recording.files
    paths = [] if recording.shares_folder else [recording.folder]
    paths += [f"{recording.folder}/{name}" for name in names]
    raw, latest = job.files.stamp(paths)
    if 0 <= time.time_ns() - latest < CLOCK_TICK_NS:
        time.sleep(CLOCK_TICK_NS / 1e9)
        raw, latest = job.files.stamp(paths)
    stamp = _with_mode(raw, job)
    bits = 0
    if not (recording.shares_folder or has_folders) and set(names) <= _OWN_FILES:
        bits = sum([1 << _BIT[name] for name in names])
    if time.time_ns() - latest < CLOCK_TICK_NS:
        stamp = bits = 0
    if stamp != known.stamp:
        source_dir = printable(recording.folder)
        reading.stamps.append(Stamp(recording.utterance_id, source_dir, stamp, bits))
    return stamp


_OWN_FILES = frozenset(OWN_FILES)
_BIT = {name: bit for bit, name in enumerate(OWN_FILES)}


def _reject(utterance_id: str, folder: str, error: Unusable) -> Reject:
    return Reject(
        utterance_id, printable(folder), printable(error.path), error.code, printable(error.detail)
    )


def _no_rows(dimension: int) -> pa.RecordBatch:
    schema = utterances_schema(dimension)
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)


def _checked_rows(job: Job, utterances: list[Utterance], reading: Reading) -> pa.RecordBatch:
    """Check all vectors together, set aside what cannot be a row, build the Arrow columns."""
    with_vector = [i for i, one in enumerate(utterances) if one.embedding is not None]
    matrix = np.empty((len(with_vector), job.dimension), np.float32)
    for row, i in enumerate(with_vector):
        matrix[row] = utterances[i].embedding
    norms, problems = _check_vectors(matrix, job.limits)
    norm_of: dict[int, float] = {}
    bad: set[int] = set()
    for row, i in enumerate(with_vector):
        code = problems.get(row)
        if code is not None and code[0] in _FATAL:
            bad.add(i)
            reading.rejects.append(_vector_reject(utterances[i].recording, *code))
            continue
        norm_of[i] = float(norms[row])
        if code is not None:
            utterances[i].warnings.extend(code)
    kept = [i for i in range(len(utterances)) if i not in bad]
    if bad:
        matrix = matrix[[row for row, i in enumerate(with_vector) if i not in bad]]
    for i in kept:
        _count(job, utterances[i], reading)
    return _columns(job, [utterances[i] for i in kept], [norm_of.get(i) for i in kept], matrix)


_FATAL = {
    "not_finite": "holds NaN or infinity, or values too large for float32",
    "all_zero": "every value is zero: a broken file, for silence gives a vector too",
}


def _check_vectors(matrix: Floats, limits: Limits) -> tuple[Floats, dict[int, list[str]]]:
    """Return the rows' lengths, and the codes of the few rows that have any."""
    if not len(matrix):
        return np.empty(0, np.float32), {}
    with np.errstate(over="ignore", invalid="ignore"):
        largest = np.maximum(matrix.max(axis=1), -matrix.min(axis=1))
        norms = np.sqrt(np.einsum("ij,ij->i", matrix, matrix))
    fatal = {
        "not_finite": ~(np.isfinite(largest) & np.isfinite(norms)),
        "all_zero": largest == 0,
    }
    warned = {
        "out_of_range": largest > limits.max_abs,
        "norm_outlier": (norms < limits.norm_min) | (norms > limits.norm_max),
    }
    problems: dict[int, list[str]] = {}
    for code, mask in (*fatal.items(), *warned.items()):
        for row in np.flatnonzero(mask):
            problems.setdefault(int(row), []).append(code)
    return norms, problems


def _vector_reject(recording: Recording, code: str, *_: str) -> Reject:
    name = recording.embedding or recording.frames or ""
    error = Unusable(code, f"{recording.folder}/{name}", _FATAL[code])
    return _reject(recording.utterance_id, recording.folder, error)


def _count(job: Job, utterance: Utterance, reading: Reading) -> None:
    utterance_id = utterance.recording.utterance_id
    known = job.known.get(utterance_id, UNKNOWN)
    if known.content_hash is not None:
        reading.updated.append(utterance_id)
    if known.rejected:
        reading.mended.append((utterance_id, printable(utterance.recording.folder)))
    if utterance.frames is not None:
        reading.frames.append(utterance.frames)


def _columns(
    job: Job, utterances: list[Utterance], norms: list[float | None], matrix: Floats
) -> pa.RecordBatch:
    schema = utterances_schema(job.dimension)
    results = [one.result for one in utterances]
    scores = list(zip(*[result.scores for result in results], strict=True)) or [()] * 9
    now = [time.time_ns() // 1000] * len(utterances)
    columns = [
        [one.recording.utterance_id for one in utterances],
        [printable(one.recording.folder) for one in utterances],
        [one.recorded_at for one in utterances],
        [result.recognized_at for result in results],
        [result.emotion for result in results],
        [result.emotion_raw for result in results],
        [result.confidence for result in results],
        *scores,
        [result.granularity for result in results],
        [one.audio.duration_s for one in utterances],
        [one.audio.sample_rate for one in utterances],
        [one.n_frames for one in utterances],
        _vector_column(matrix, np.array([one.embedding is None for one in utterances], bool)),
        norms,
        [one.warnings for one in utterances],
        [result.text for result in results],
        [one.content_hash for one in utterances],
        now,
    ]
    arrays = [
        column if isinstance(column, pa.Array) else pa.array(column, field.type)
        for column, field in zip(columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _vector_column(matrix: Floats, missing: NDArray[np.bool_]) -> pa.Array:
    """Wrap the matrix without copying it; rows without a vector are NULL."""
    dimension = matrix.shape[1]
    if missing.any():
        filled = np.zeros((len(missing), dimension), np.float32)
        filled[~missing] = matrix
        return pa.FixedSizeListArray.from_arrays(
            pa.array(filled.ravel()), dimension, mask=pa.array(missing)
        )
    return pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), dimension)
