"""Which folders hold what the database does not know yet: told by file times, nothing is read."""

from dataclasses import dataclass, field

from e2vdb.ingest.batches import is_untouched, places_below, stamped_paths, with_mode
from e2vdb.ingest.jobs import UNKNOWN, Job, Place
from e2vdb.ingest.layouts import Folder, Recording, recordings_in
from e2vdb.ingest.rejects import Unusable


@dataclass(slots=True)
class Swept:
    """Folders with a recording that is new or changed, and the folders found below."""

    changed: list[Place] = field(default_factory=list)
    below: list[Place] = field(default_factory=list)


def sweep(job: Job) -> Swept:
    """Look at the job's folders; one that cannot be listed counts as changed."""
    swept = Swept()
    for place in job.folders:
        known = job.known.get(place.utterance_id, UNKNOWN)
        if known.files and is_untouched(job, place, known):
            continue
        try:
            listing = job.files.list(place.path)
        except Unusable:
            swept.changed.append(place)
            continue
        prefix = job.prefix if place.path == job.root else f"{place.utterance_id}/"
        swept.below += places_below(place.path, prefix, listing.folders)
        folder = Folder(place.path, place.utterance_id, listing.files)
        if any(_is_changed(job, one) for one in recordings_in(folder, job.layouts)):
            swept.changed.append(place)
    return swept


def _is_changed(job: Job, recording: Recording) -> bool:
    known = job.known.get(recording.utterance_id, UNKNOWN)
    try:
        stamp, _ = job.files.stamp(stamped_paths(recording))
    except Unusable:
        return True
    return known.stamp != with_mode(stamp, job)
