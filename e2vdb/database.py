"""The facade: one database, few verbs."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from e2vdb.distill.distiller import Distiller, read_distiller
from e2vdb.errors import UsageError
from e2vdb.query.snapshot import Snapshot
from e2vdb.store.address import resolve
from e2vdb.store.history import AsOf, Version, add_tag, remove_tag, versions
from e2vdb.store.lock import writer_lock
from e2vdb.store.settings import Settings, check_setting, read_settings, write_setting
from e2vdb.store.tables import DEFAULT_DIMENSION, DISTILLERS
from e2vdb.store.upkeep import KEEP_DAYS, OptimizeSummary, TableInfo, disk_bytes, table_infos
from e2vdb.store.upkeep import optimize as optimize_store
from e2vdb.verbs.live import Live
from e2vdb.verbs.searching import Searching

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from e2vdb.distill.report import DistillReport
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


class Database(Searching, Live):
    """An e2vdb database. Use it as a context manager, or close it.

    Reading never waits for a writer. Methods that write raise `BusyError` or wait for another
    writer; all raise `E2VError` with one sentence for what a user can mend, and `duckdb.Error`
    for what DuckDB says of a query.
    """

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

    def __repr__(self) -> str:
        past = "" if self.as_of is None else f", as_of={self.as_of!r}"
        return f"Database({str(self.address)!r}{past})"


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
