"""The way in for folders that were noticed one by one, in a process that stays.

`ingest` surveys a whole tree; an `Intake` is told which folders to visit. Both run the same job,
so a folder becomes the same row or the same reject either way. The caller holds the writer lock.
"""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from e2vdb.distill.distiller import read_distiller
from e2vdb.head.head import read_head
from e2vdb.ingest.files import LocalFiles
from e2vdb.ingest.jobs import Job, Place
from e2vdb.ingest.layouts import Folder, layouts, recordings_in
from e2vdb.ingest.names import is_hidden, printable
from e2vdb.ingest.rejects import Unusable
from e2vdb.ingest.sweep import sweep
from e2vdb.loading.catalogue import Catalogue
from e2vdb.loading.chunk import Chunk
from e2vdb.loading.ingest import IngestOptions, complete, id_prefix, prepare, root_place
from e2vdb.loading.keys import metadata_awaits, resolve_metadata
from e2vdb.loading.summary import IngestSummary
from e2vdb.loading.worker import Target, run_job
from e2vdb.store.settings import read_settings
from e2vdb.store.store import Store
from e2vdb.store.tables import DISTILLERS, HEADS_TABLE

SLICE = 256
"""Folders that a sweep looks at before it lets its caller do something else."""

MANY = 4096
"""Utterances up to which what is known of them is looked up by their ids."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: the counts of an ingest, and the utterances it was about."""

    summary: IngestSummary
    ids: tuple[str, ...]


class Intake:
    """Takes batches of folders below `root` (a real path) into one database."""

    def __init__(self, store: Store, root: Path, options: IngestOptions) -> None:
        self._store, self._root, self._options = store, root, options
        self._files, self._layouts = LocalFiles(str(root)), layouts()

    def prepare(self) -> None:
        """Make the database where there is none, and finish what a killed run left half done."""
        prepare(self._store, self._root, self._options)

    def take(self, folders: Sequence[str]) -> Taken:
        """Visit these folders; what is new or changed becomes a row or a reject, committed.

        Folders below them are not followed. Raises `StorageError` when nothing was taken.
        """
        if self._store.undecided:
            self.prepare()  # the first directories decide how long vectors are
        places = [self.place(one) for one in folders]
        ids = tuple(dict.fromkeys(one for place in places for one in self._ids(place)))
        catalogue = Catalogue(self._store, ids if len(ids) <= MANY else None)
        summary = IngestSummary(str(self._root), str(self._store.address))
        chunk = Chunk(self._store, catalogue, summary)
        target = self._target()
        while places:
            outcome = run_job(self._job(places, catalogue), target)
            chunk.add(outcome)
            # A long folder of many recordings is read in parts; other folders are not followed.
            places = [one for one in outcome.below if one.part is not None]
        chunk.commit()
        if metadata_awaits(self._store, ids):
            resolve_metadata(self._store)
        return Taken(summary, ids)

    def settle(self) -> list[str]:
        """Do what depends on all rows, duplicates and the first distiller; return notes."""
        summary = IngestSummary(str(self._root), str(self._store.address))
        complete(self._store, self._root, self._options, summary)
        return summary.notes

    def changed(self) -> Iterator[list[str]]:
        """Yield the folders with something new or changed, a slice of the tree at a time.

        Reads file times only. A slice may be empty; the caller can stop between two. Hidden
        folders are left out: what is written there is renamed into place when it is finished.
        """
        catalogue = Catalogue(self._store)
        pending = deque([root_place(self._root, self._options)])
        job = self._job([], catalogue)
        while pending:
            places = [pending.popleft() for _ in range(min(SLICE, len(pending)))]
            known = catalogue.known(places)
            swept = sweep(replace(job, folders=tuple(places), known=known))
            pending += [one for one in swept.below if not is_hidden(one.path)]
            yield [place.path for place in swept.changed]

    def place(self, folder: str) -> Place:
        """Return a folder below the root, or the root, with the id that its path gives."""
        if folder == str(self._root):
            return root_place(self._root, self._options)
        path = folder.replace(os.sep, "/")
        below = path[len(str(self._root)) :].lstrip("/")
        return Place(path, id_prefix(self._options) + printable(below))

    def _ids(self, place: Place) -> list[str]:
        """Return the ids that a visit may give rows: the folder's, and those of files in it."""
        try:
            listing = self._files.list(place.path)
        except Unusable:
            return [place.utterance_id]
        folder = Folder(place.path, place.utterance_id, listing.files)
        found = [one.utterance_id for one in recordings_in(folder, self._layouts)]
        return found or [place.utterance_id]

    def _job(self, places: list[Place], catalogue: Catalogue) -> Job:
        return Job(
            files=self._files,
            root=str(self._root),
            prefix=id_prefix(self._options),
            folders=tuple(places),
            known=catalogue.known(places),
            dimension=self._store.dimension,
            limits=read_settings(self._store).limits,
            layouts=self._layouts,
            frames=self._options.frames,
        )

    def _target(self) -> Target:
        return Target(
            self._store.address,
            read_distiller(self._store.dataset(DISTILLERS)),
            read_head(self._store.dataset(HEADS_TABLE)),
        )
