"""One ingest run: folders shared out to workers, outcomes committed, the database completed."""

import os
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from e2vdb.distill.distiller import read_distiller
from e2vdb.distill.fit import FEWEST_ROWS, apply_everywhere, fit, import_ahead
from e2vdb.errors import InputError, StorageError, UsageError
from e2vdb.head.head import read_head
from e2vdb.ingest.files import LocalFiles
from e2vdb.ingest.jobs import Job, Place
from e2vdb.ingest.layouts import layouts
from e2vdb.ingest.names import printable
from e2vdb.ingest.survey import survey_dimension
from e2vdb.loading.catalogue import Catalogue
from e2vdb.loading.chunk import ROWS_A_COMMIT, Chunk
from e2vdb.loading.duplicates import settle_duplicates
from e2vdb.loading.frames import drop_frame_embeddings
from e2vdb.loading.keys import resolve_metadata
from e2vdb.loading.pool import FEW_FOLDERS, Pool, default_workers
from e2vdb.loading.summary import IngestSummary
from e2vdb.loading.worker import Outcome, Target, run_job
from e2vdb.store.lock import writer_lock
from e2vdb.store.settings import read_settings, write_setting
from e2vdb.store.store import Store
from e2vdb.store.tables import DEFAULT_DIMENSION, DISTILLERS, HEADS_TABLE, UTTERANCES

FRAME_MODES = ("full", "distilled", "none")
SECONDS_A_COMMIT = 30.0
_SLICE = 4096
_QUEUED_PER_WORKER = 2


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """Everything that `e2vdb ingest` can be told."""

    source: str | None = None
    frames: str = "full"
    dimension: int | None = None
    variance: float | None = None
    workers: int | None = None
    reread: bool = False
    wait: bool = True


@dataclass(frozen=True, slots=True)
class Talk:
    """How a run reports: `say` a sentence, `progress` with folders done and known so far."""

    say: Callable[[str], None] = lambda _: None
    progress: Callable[[int, int], None] = lambda _done, _total: None


SILENT = Talk()


def ingest(
    store: Store, root: str | os.PathLike[str], options: IngestOptions, talk: Talk = SILENT
) -> IngestSummary:
    """Bring the database up to date with every output directory below `root`.

    Raises `InputError`, `UsageError`, `BusyError` or `StorageError`; what was committed stays.
    """
    folder = check_root(root)
    check_options(options)
    started = time.monotonic()
    with writer_lock(store.address, wait=options.wait, say=talk.say):
        pool = Pool(options.workers or default_workers())
        pool.prepare()
        prepare(store, folder, options)
        summary = IngestSummary(str(folder), str(store.address))
        run = _Run(store, folder, options, talk, summary, pool)
        run.go()
        if not summary.interrupted:
            complete(store, folder, options, summary)
        summary.version = store.dataset(UTTERANCES).version
    summary.seconds = time.monotonic() - started
    return summary


def check_root(root: str | os.PathLike[str]) -> Path:
    """Return the real path of the folder to ingest. Raises `InputError` where it is none."""
    path = Path(root).expanduser()
    if not path.exists():
        raise InputError(f"{path} does not exist; give the folder that holds the outputs.")
    if not path.is_dir():
        raise InputError(f"{path} is a file; give the folder that holds the outputs.")
    return path.resolve()


def check_options(options: IngestOptions) -> None:
    """Raise `UsageError` for a choice that does not fit."""
    if options.frames not in FRAME_MODES:
        raise UsageError(f"frames must be one of {', '.join(FRAME_MODES)}, not {options.frames!r}.")
    if options.dimension is not None and options.dimension < 1:
        raise UsageError(f"dimension must be at least 1, not {options.dimension}.")
    if options.workers is not None and options.workers < 1:
        raise UsageError(f"workers must be at least 1, not {options.workers}.")
    if options.source is not None and not options.source.strip("/ "):
        raise UsageError("source must be a name such as north or 2024, not an empty text.")


def prepare(store: Store, folder: Path, options: IngestOptions) -> None:
    """Make the database where there is none, and finish what a killed run left half done."""
    if store.exists():
        store.create(store.dimension)
        if store.undecided:
            _decide_dimension(store, folder, options)
        if options.dimension not in (None, store.dimension):
            raise UsageError(
                f"{store.address} holds vectors of {store.dimension} values, "
                f"not {options.dimension}; use another --db for another model."
            )
    else:
        store.create(_wanted_dimension(folder, options) or DEFAULT_DIMENSION)
    if options.variance is not None:
        write_setting(store, "variance", options.variance)
    distiller = read_distiller(store.dataset(DISTILLERS))
    if distiller is not None:
        apply_everywhere(store, distiller)


def id_prefix(options: IngestOptions) -> str:
    """Return what the ids of everything below the root begin with."""
    return f"{options.source.strip('/ ')}/" if options.source else ""


def root_place(folder: Path, options: IngestOptions) -> Place:
    """Return the root as a folder to visit, with the id of what lies in it directly."""
    return Place(str(folder), id_prefix(options) + (printable(folder.name) or "root"))


def _wanted_dimension(folder: Path, options: IngestOptions) -> int | None:
    root = Place(str(folder), folder.name)
    return options.dimension or survey_dimension(LocalFiles(str(folder)), root, layouts())


def _decide_dimension(store: Store, folder: Path, options: IngestOptions) -> None:
    """Take the dimension of the first directories, where metadata or a setting came before."""
    found = _wanted_dimension(folder, options)
    if found not in (None, store.dimension):
        store.change_dimension(found)


def complete(store: Store, folder: Path, options: IngestOptions, summary: IngestSummary) -> None:
    """Settle what depends on all rows: duplicates, metadata keys, the first distiller.

    Also after a run that found nothing new: the one before may have been killed just here.
    """
    settle_duplicates(store)
    resolve_metadata(store)
    vectors = store.dataset(UTTERANCES).count_rows(filter="norm IS NOT NULL")
    known = read_distiller(store.dataset(DISTILLERS)) is not None
    if not known and vectors >= FEWEST_ROWS:
        _fit_first(store, summary)
        known = True
    if options.frames == "distilled" and known:
        drop_frame_embeddings(store, printable(str(folder)))
    elif options.frames == "distilled" and summary.frames:
        summary.notes.append(
            f"Frames are kept in full: distilling needs {FEWEST_ROWS} embeddings, "
            f"the database has {vectors}."
        )


def _fit_first(store: Store, summary: IngestSummary) -> None:
    distiller = fit(store, read_settings(store).variance)
    apply_everywhere(store, distiller)
    kept = f"{distiller.variance_kept:.1%} of the variance in {distiller.dimensions} dimensions"
    summary.notes.append(f"Distilled vectors fitted: {kept}.")


class _Run:
    """The loop between pending folders, workers and commits."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        options: IngestOptions,
        talk: Talk,
        summary: IngestSummary,
        pool: Pool,
    ) -> None:
        self._options, self._talk, self._summary = options, talk, summary
        self._root = str(folder)
        self._prefix = id_prefix(options)
        self._files = LocalFiles(self._root)
        self._layouts = layouts()
        self._limits = read_settings(store).limits
        self._dimension = store.dimension
        self._target = Target(
            store.address,
            read_distiller(store.dataset(DISTILLERS)),
            read_head(store.dataset(HEADS_TABLE)),
        )
        self._catalogue = Catalogue(store)
        self._chunk = Chunk(store, self._catalogue, summary)
        self._pending = deque([root_place(folder, options)])
        self._running: set[Future[Outcome]] = set()
        self._done, self._total = 0, 1
        self._committed_at = time.monotonic()
        self._pool, self._workers = pool, pool.workers
        self._fits = self._target.distiller is None

    def go(self) -> None:
        """Visit every folder; Ctrl-C ends early with everything read so far committed."""
        with self._pool:
            try:
                while self._pending or self._running:
                    self._share_out()
                    self._gather()
            except KeyboardInterrupt:
                self._summary.interrupted = True
                self._talk.say("Stopping: committing what has been read …")
                self._pending.clear()
                self._finish_running()
            except BrokenProcessPool as error:
                self._chunk.commit()
                raise StorageError(
                    "A worker process was killed, perhaps for want of memory; what was committed "
                    "is whole. Run the ingest again, with fewer --workers."
                ) from error
            self._chunk.commit()

    def _share_out(self) -> None:
        while self._pending and len(self._running) < _QUEUED_PER_WORKER * self._workers:
            here = self._workers == 1 or self._few()
            job = self._job(self._slice())
            if here:
                self._take(run_job(job, self._target))
                continue
            self._running.add(self._pool.submit(run_job, job, self._target))
            if self._fits:
                import_ahead()
                self._fits = False

    def _few(self) -> bool:
        """Whether so little is left that starting workers would take longer than doing it."""
        if self._running or len(self._pending) >= FEW_FOLDERS:
            return False
        return all(place.part is None for place in self._pending)

    def _slice(self) -> list[Place]:
        """Take the next folders: many, but few enough that all workers end together."""
        fair = -(-len(self._pending) // (2 * self._workers))
        size = min(_SLICE, max(fair, FEW_FOLDERS), len(self._pending))
        if self._pending[0].part is not None:
            size = 1
        return [self._pending.popleft() for _ in range(size)]

    def _job(self, places: list[Place]) -> Job:
        return Job(
            files=self._files,
            root=self._root,
            prefix=self._prefix,
            folders=tuple(places),
            known=self._catalogue.known(places),
            dimension=self._dimension,
            limits=self._limits,
            layouts=self._layouts,
            frames=self._options.frames,
            reread=self._options.reread,
        )

    def _gather(self) -> None:
        if not self._running:
            return
        done, self._running = wait(self._running, timeout=0.5, return_when=FIRST_COMPLETED)
        for future in done:
            self._take(future.result())
        self._talk.progress(self._done, self._total)

    def _take(self, outcome: Outcome) -> None:
        self._chunk.add(outcome)
        self._pending.extend(outcome.below)
        self._total += len(outcome.below)
        self._done += outcome.folders
        self._talk.progress(self._done, self._total)
        overdue = time.monotonic() - self._committed_at > SECONDS_A_COMMIT
        if self._chunk.rows >= ROWS_A_COMMIT or overdue:
            self._chunk.commit()
            self._committed_at = time.monotonic()

    def _finish_running(self) -> None:
        """Keep what workers are reading right now; drop what has not begun."""
        for future in self._running:
            if not future.cancel():
                self._chunk.add(future.result())
        self._running = set()
