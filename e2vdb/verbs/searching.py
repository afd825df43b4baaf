"""A database's verbs for similarity: search, index, neighbours, reference sets, alignments."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from e2vdb.errors import UsageError
from e2vdb.query.functions import load_vector
from e2vdb.query.search import EMPTY_ANSWER, SearchAnswer, Searcher
from e2vdb.similarity.ann import Effort, build_index, drop_index
from e2vdb.similarity.neighbors import NeighborsSummary
from e2vdb.store.lock import writer_lock
from e2vdb.verbs.recordings import Recordings, is_recording, names_recording

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from e2vdb.loading.alignments import Alignments
    from e2vdb.loading.references import References


class Searching(Recordings):
    """What finds calls by their sound; recordings may be the question."""

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
        if isinstance(query, np.ndarray):
            return query.astype(np.float64).reshape(-1), None
        text = os.fspath(query)
        if text.endswith(".npy"):
            return load_vector(text, dimension).astype(np.float64), None
        if is_recording(text):
            return self.recognise(text, model).embedding.astype(np.float64), None
        try:
            return searcher.vector(text), text
        except UsageError as error:
            if names_recording(text):
                raise UsageError(f"There is no recording {text}, and no such utterance.") from error
            raise

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
