"""The facade: one database, few verbs."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import duckdb
import pyarrow.compute as pc

from e2vdb.distill.distiller import Distiller, read_distiller
from e2vdb.errors import UsageError
from e2vdb.live import Live
from e2vdb.query.functions import load_vector
from e2vdb.query.lockdown import CHANGEABLE_BY_CLIENTS
from e2vdb.query.search import EMPTY_ANSWER, SearchAnswer, Searcher
from e2vdb.query.session import Session
from e2vdb.query.snapshot import Snapshot
from e2vdb.query.statement import Parameters, run
from e2vdb.recordings import Recordings, is_recording
from e2vdb.similarity.ann import Effort, build_index, drop_index
from e2vdb.similarity.neighbors import NeighborsSummary
from e2vdb.store.address import Address, resolve
from e2vdb.store.history import AsOf, Version, add_tag, remove_tag, versions
from e2vdb.store.lock import writer_lock
from e2vdb.store.settings import Settings, check_setting, read_settings, write_setting
from e2vdb.store.store import Store
from e2vdb.store.tables import DEFAULT_DIMENSION, DISTILLERS
from e2vdb.store.upkeep import KEEP_DAYS, OptimizeSummary, TableInfo, disk_bytes, table_infos
from e2vdb.store.upkeep import optimize as optimize_store

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from e2vdb.distill.report import DistillReport
    from e2vdb.loading.alignments import Alignments
    from e2vdb.loading.ingest import IngestOptions, Talk
    from e2vdb.loading.metadata import MetadataSummary
    from e2vdb.loading.references import References
    from e2vdb.loading.summary import IngestSummary
    from e2vdb.publish.publish import PublishSummary


@dataclass(frozen=True, slots=True)
class DatabaseInfo:
    """What `e2vdb info` prints."""

    address: str
    dimension: int
    tables: tuple[TableInfo, ...]
    distiller: Distiller | None
    disk_bytes: int | None
    tags: tuple[Version, ...]


class Database(Recordings, Live):
    """An e2vdb database. Use it as a context manager, or close it.

    Reading never waits for a writer. Methods that write raise `BusyError` or wait for another
    writer; all raise `E2VError` with one sentence for what a user can mend, and `duckdb.Error`
    for what DuckDB says of a query.
    """

    def __init__(self, address: Address, as_of: AsOf = None) -> None:
        self.address = address
        self.as_of = as_of
        self._store = Store(address)
        self._own: Session | None = None
        self._handed_out: list[Session] = []

    def ingest(
        self,
        path: str | os.PathLike[str],
        *,
        metadata: str | os.PathLike[str] | None = None,
        options: "IngestOptions | None" = None,
        talk: "Talk | None" = None,
        **choices: Any,
    ) -> "IngestSummary":
        """Bring the database up to date with every output directory below `path`.

        `choices` are the fields of `IngestOptions`: source, frames, dimension, variance,
        workers, reread, wait. Metadata is loaded after the directories.
        """
        from e2vdb.loading.ingest import SILENT, IngestOptions, ingest
        from e2vdb.loading.metadata_file import read_metadata_file

        self._check_writable()
        if metadata is not None:
            read_metadata_file(metadata)  # a wrong file is better found before an hour's work
        try:
            options = options or IngestOptions(**choices)
        except TypeError as error:
            raise UsageError(f"ingest: {error}.") from error
        summary = ingest(self._store, path, options, talk or SILENT)
        if metadata is not None and not summary.interrupted:
            summary.metadata = self.load_metadata(metadata)
        elif not summary.interrupted:
            summary.notes += self._assign_clusters(wait=options.wait)
        self._keep_up()
        return summary

    def load_metadata(
        self, path: str | os.PathLike[str], *, wait: bool = True
    ) -> "MetadataSummary":
        """Put what a CSV, Parquet or JSON file says of each call over the stored metadata."""
        from e2vdb.loading.metadata import load_metadata

        self._check_writable()
        summary = load_metadata(self._store, path, wait=wait)
        summary.notes.extend(self._assign_clusters(wait=wait))
        self._keep_up()
        return summary

    def sql(self, query: str, params: Parameters = None) -> duckdb.DuckDBPyRelation | None:
        """Return the relation of a query (`.df() .pl() .arrow() .fetchall()`).

        None for a statement that has no rows. It sees the newest commit, or `as_of`.
        """
        return run(self._session().connection, query, params)

    def search(
        self,
        query: "str | os.PathLike[str] | NDArray[Any]",
        k: int = 10,
        *,
        where: str | None = None,
        mode: str = "auto",
        effort: Effort | None = None,
        model: str | None = None,
    ) -> SearchAnswer:
        """Return the k calls nearest to an utterance id, a .npy file, a recording or a vector (D,).

        An utterance itself is left out of its answer. `where` is SQL over `calls`, applied
        before; `mode` is auto, exact or ann, `effort` says how hard ann tries. `model` hears
        recordings; without it the one does that made the database's calls.
        """
        session = self._session()
        snapshot, searcher = session.snapshot, session.searcher
        if effort is not None:
            searcher.effort = effort
        vector, own = self._query_vector(searcher, query, snapshot.dimension, model)
        if vector is None:
            return SearchAnswer("exact", snapshot.version, len(searcher), 0, EMPTY_ANSWER)
        wanted = k + 1 if own is not None and k > 0 else k
        found, used, state = searcher.search(vector[None, :], wanted, where, mode)
        table = searcher.table(found[0], state)
        if own is not None:
            table = table.filter(pc.not_equal(table["utterance_id"], own)).slice(0, k)
        return SearchAnswer(used, snapshot.version, len(searcher), found[0].verified, table)

    def _query_vector(
        self, searcher: Searcher, query: Any, dimension: int, model: str | None
    ) -> "tuple[NDArray[Any] | None, str | None]":
        """Return the vector that a query means, and the id to leave out of the answer."""
        import numpy as np

        if isinstance(query, np.ndarray):
            return query.astype(np.float64).reshape(-1), None
        text = os.fspath(query)
        if text.endswith(".npy"):
            return load_vector(text, dimension).astype(np.float64), None
        if is_recording(text):
            return self.recognise(text, model).embedding.astype(np.float64), None
        return searcher.vector(text), text

    def build_index(self, kind: str = "IVF_RQ", *, rebuild: bool = False, wait: bool = True) -> str:
        """Build the approximate index, or take new rows into it.

        Returns `built`, `updated`, or `up to date` when there were no new rows.
        """
        self._check_writable()
        with writer_lock(self.address, wait=wait):
            return build_index(self._store, kind, rebuild=rebuild)

    def drop_index(self, *, wait: bool = True) -> None:
        """Remove the approximate index."""
        self._check_writable()
        with writer_lock(self.address, wait=wait):
            drop_index(self._store)

    def update_neighbors(
        self,
        k: int = 10,
        *,
        wait: bool = True,
        report: "Callable[[int, int], None]" = lambda _done, _total: None,
    ) -> NeighborsSummary:
        """Bring the table `neighbors` up to date: the k nearest calls of every call."""
        self._check_writable()
        with writer_lock(self.address, wait=wait):
            self._store.create(self._store.dimension)
            return self._session().searcher.neighbors_job(self._store, k, report).run(report)

    @property
    def references(self) -> "References":
        """Named lists of good calls: add, list, remove, profile, tune."""
        from e2vdb.loading.references import References

        return References(self._store, self._ids_where, self._check_writable)

    @property
    def alignments(self) -> "Alignments":
        """Linear maps from voice to another space: fit, import, text vectors, list, remove."""
        from e2vdb.loading.alignments import Alignments

        return Alignments(self._store, self._check_writable)

    def _ids_where(self, where: str) -> list[str]:
        """Return the ids of the calls that a condition keeps."""
        try:
            found = self.sql(f"SELECT utterance_id FROM calls WHERE ({where}\n)")
            return [one for (one,) in found.fetchall()] if found is not None else []
        except duckdb.Error as error:
            reason = str(error).split("\n", 1)[0]
            raise UsageError(f"The condition {where!r} cannot be used: {reason}") from error

    def connection(self) -> duckdb.DuckDBPyConnection:
        """Return a plain DuckDB connection of its own for ibis, JupySQL and friends.

        Each statement on it sees the newest commit, or `as_of`. Closing the database closes it.
        Columns that another process adds later need a new connection.
        """
        session = Session(Snapshot(self._store, self.as_of), CHANGEABLE_BY_CLIENTS)
        self._handed_out.append(session)
        return session.connection

    def publish(
        self,
        target: str | os.PathLike[str],
        *,
        tool: str | None = None,
        wait: bool = True,
        **choices: Any,
    ) -> "PublishSummary":
        """Write the answers into a file that BI tools open without e2vdb; replace it whole.

        `target` ends in .duckdb for everything, in .parquet for the calls alone, in / for a
        folder of Parquet files; `tool="embedding-atlas"` shapes a .parquet for that. `choices`
        are the fields of `PublishOptions`: vectors, since, frame_step, timezone, map. What is
        unchanged is copied from the file that is there. Nothing in the database changes.
        """
        from e2vdb.publish.options import PublishOptions
        from e2vdb.publish.publish import publish

        try:
            options = PublishOptions(**choices)
        except TypeError as error:
            raise UsageError(f"publish: {error}.") from error
        snapshot = Snapshot(self._store, self.as_of).frozen()
        return publish(snapshot, os.fspath(target), options, tool=tool, wait=wait)

    def distill(self, variance: float | None = None, *, wait: bool = True) -> Distiller:
        """Fit the PCA anew and give every row its new distilled vector."""
        from e2vdb.distill.fit import apply_everywhere, fit

        self._check_writable()
        with writer_lock(self.address, wait=wait):
            if variance is not None:
                write_setting(self._store, "variance", variance)
            distiller = fit(self._store, read_settings(self._store).variance)
            apply_everywhere(self._store, distiller)
        self._keep_up()
        return distiller

    def distill_report(self) -> "DistillReport":
        """Measure what distilled vectors keep, save and cost. Takes some seconds."""
        from e2vdb.distill.report import report

        distiller = read_distiller(self._store.dataset(DISTILLERS))
        if distiller is None:
            raise UsageError("There is no distiller yet; run `e2vdb distill` first.")
        return report(self._store, distiller)

    def vector(self, utterance_id: str, *, distilled: bool = False) -> "NDArray[np.float32]":
        """Return an utterance's embedding (D,) or distilled vector (d,), float32."""
        import numpy as np

        column = "distilled" if distilled else "embedding"
        query = f"SELECT {column} FROM utterances WHERE utterance_id = $id"
        relation = self.sql(query, {"id": utterance_id})
        rows = relation.fetchall() if relation is not None else []
        if not rows:
            raise UsageError(f"There is no utterance {utterance_id!r} in {self.address}.")
        if rows[0][0] is None:
            raise UsageError(f"The utterance {utterance_id!r} has no {column} vector.")
        return np.asarray(rows[0][0], np.float32)

    def export(
        self, utterance_id: str, path: str | os.PathLike[str], *, distilled: bool = False
    ) -> Path:
        """Write one vector as a .npy file of shape (1, D), as the WebUI writes it."""
        import numpy as np

        vector = self.vector(utterance_id, distilled=distilled)
        file = Path(path).expanduser()
        try:
            with file.open("wb") as stream:
                np.save(stream, vector.reshape(1, -1), allow_pickle=False)
        except OSError as error:
            raise UsageError(f"{file} cannot be written: {error.strerror or error}.") from error
        return file

    def info(self) -> DatabaseInfo:
        """Return tables, rows, versions, distiller and disk use."""
        return DatabaseInfo(
            str(self.address),
            self._store.dimension,
            tuple(table_infos(self._store)),
            read_distiller(self._store.dataset(DISTILLERS)),
            disk_bytes(self.address),
            tuple(version for version in versions(self._store) if version.tags),
        )

    def versions(self) -> list[Version]:
        """Return the versions of `utterances` that `as_of` can name, oldest first."""
        return versions(self._store)

    def tag(self, name: str) -> int:
        """Name the present state so that `optimize` keeps it; return its version."""
        self._check_writable()
        with writer_lock(self.address):
            return add_tag(self._store, name)

    def untag(self, name: str) -> None:
        """Forget a tag."""
        self._check_writable()
        with writer_lock(self.address):
            remove_tag(self._store, name)

    def settings(self) -> Settings:
        """Return the settings stored with the database."""
        return read_settings(self._store)

    def set(self, name: str, value: float) -> Settings:
        """Store a setting; it applies to directories read from now on."""
        self._check_writable()
        check_setting(name, value)
        with writer_lock(self.address):
            self._store.create(self._store.dimension if self._store.exists() else DEFAULT_DIMENSION)
            return write_setting(self._store, name, value)

    def optimize(self, keep_days: float = KEEP_DAYS, *, wait: bool = True) -> OptimizeSummary:
        """Compact the tables and remove orphans and versions older than `keep_days`."""
        self._check_writable()
        return optimize_store(self._store, keep_days, wait=wait)

    def close(self) -> None:
        """Close every connection; the database itself needs no closing."""
        for session in (self._own, *self._handed_out):
            if session is not None:
                session.close()
        self._own = self._assessor = None
        self._handed_out.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        past = "" if self.as_of is None else f", as_of={self.as_of!r}"
        return f"Database({str(self.address)!r}{past})"

    def _session(self) -> Session:
        """Return this object's own session, at the newest commits."""
        if self._own is None:
            self._own = Session(Snapshot(self._store, self.as_of))
        self._own.keep_up()
        return self._own

    def _keep_up(self) -> None:
        """Show what this object has written, new columns too, on the connections it gave out."""
        for session in self._handed_out:
            with suppress(duckdb.Error):  # closed by its user, or a result is still being read
                session.keep_up()

    def _check_writable(self) -> None:
        if self.as_of is not None:
            raise UsageError("A database opened with as_of shows the past and cannot be written.")


def connect(
    uri: str | os.PathLike[str] | None = None,
    *,
    as_of: AsOf = None,
    storage_options: Mapping[str, str] | None = None,
) -> Database:
    """Open the database at `uri`, else at E2VDB_URI, else at ./e2v.lancedb.

    `as_of` is a version number, a tag or a time and opens the past, read-only. The folder need
    not exist: the first ingest makes it. `storage_options` are LanceDB's, for object stores.
    """
    return Database(resolve(uri, storage_options), as_of)
