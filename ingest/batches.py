"""A list of folders in, Arrow rows out: a pure function of picklable arguments."""

import time

from e2vdb.ingest.jobs import UNKNOWN, Job, Known, Place, Reading, Stamp, reject
from e2vdb.ingest.layouts import OWN_FILES, Folder, Recording, recordings_in
from e2vdb.ingest.names import printable
from e2vdb.ingest.recordings import Utterance, read_recording
from e2vdb.ingest.rejects import Unusable
from e2vdb.ingest.rows import checked_rows, no_rows

CLOCK_TICK_NS = 20_000_000
"""File times are this coarse, so a file changed just now is read when the tick is over."""


PART = 4096
"""Recordings of one folder that are read in one go; a longer folder is shared out in parts."""


def read_directories(job: Job) -> Reading:
    """Visit the job's folders and read each recording that the database does not have yet.

    Folders found below them are returned, not followed, so that the caller can share them out.
    """
    reading = Reading(no_rows(job.dimension))
    utterances: list[Utterance] = []
    for place in job.folders:
        known = job.known.get(place.utterance_id, UNKNOWN)
        if known.files and not job.reread and _untouched(job, place, known, reading):
            continue
        utterances += _visit(job, place, reading)
    reading.rows = checked_rows(job, utterances, reading)
    return reading


def _untouched(job: Job, place: Place, known: Known, reading: Reading) -> bool:
    """Settle a folder by its file times alone; False where it must be listed."""
    if not is_untouched(job, place, known):
        return False
    _count_known(place.utterance_id, printable(place.path), known, reading)
    return True


def is_untouched(job: Job, place: Place, known: Known) -> bool:
    """Whether a folder's few files, which the last visit named, are what they were then."""
    paths = [place.path]
    paths += [
        f"{place.path}/{name}" for bit, name in enumerate(OWN_FILES) if known.files >> bit & 1
    ]
    try:
        stamp, _ = job.files.stamp(paths)
    except Unusable:
        return False
    return known.stamp == with_mode(stamp, job)


def _count_known(utterance_id: str, source_dir: str, known: Known, reading: Reading) -> None:
    if known.rejected:
        reading.rejected_before.append((utterance_id, source_dir))
    else:
        reading.unchanged += 1


def with_mode(stamp: int, job: Job) -> int:
    """Make a stamp of another `--frames` mode differ, so that the frames are read anew."""
    mode = ("full", "distilled", "none").index(job.frames)
    return hash((stamp, mode))


def _visit(job: Job, place: Place, reading: Reading) -> list[Utterance]:
    path, utterance_id, part = place
    try:
        listing = job.files.list(path)
    except Unusable as error:
        reading.rejects.append(reject(utterance_id, path, error))
        return []
    prefix = job.prefix if path == job.root else f"{utterance_id}/"
    below = places_below(path, prefix, listing.folders)
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
        reading.rejects.append(reject(utterance_id, recording.folder, error))
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
            deeper = places_below(path, f"{folder_id}/", listing.folders)
            claimed |= _claimed_below(job, recordings, deeper)
    return claimed


def _parents(utterance_id: str) -> list[str]:
    parts = utterance_id.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def places_below(path: str, prefix: str, names: list[str]) -> list[Place]:
    """Return the folders in a folder; `prefix` starts their ids."""
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
    names, paths = recording.files, stamped_paths(recording)
    raw, latest = job.files.stamp(paths)
    if 0 <= time.time_ns() - latest < CLOCK_TICK_NS:
        time.sleep(CLOCK_TICK_NS / 1e9)
        raw, latest = job.files.stamp(paths)
    stamp = with_mode(raw, job)
    bits = 0
    if not (recording.shares_folder or has_folders) and set(names) <= _OWN_FILES:
        bits = sum([1 << _BIT[name] for name in names])
    if time.time_ns() - latest < CLOCK_TICK_NS:
        stamp = bits = 0
    if stamp != known.stamp:
        source_dir = printable(recording.folder)
        reading.stamps.append(Stamp(recording.utterance_id, source_dir, stamp, bits))
    return stamp


def stamped_paths(recording: Recording) -> list[str]:
    """Return the paths whose sizes and times say whether a recording has changed."""
    paths = [] if recording.shares_folder else [recording.folder]
    return paths + [f"{recording.folder}/{name}" for name in recording.files]


_OWN_FILES = frozenset(OWN_FILES)
_BIT = {name: bit for bit, name in enumerate(OWN_FILES)}
