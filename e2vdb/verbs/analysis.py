"""The analyst's verbs of a database: events, clusters, maps, heads, health."""

import os
from typing import TYPE_CHECKING

from e2vdb.verbs.opened import Opened

if TYPE_CHECKING:
    from e2vdb.head.fill import HeadSummary
    from e2vdb.loading.events import EventsSummary
    from e2vdb.query.clusters import ClusterSummary, MapSummary


class Analysis(Opened):
    """What `Database` adds for analysis; each verb writes one table and nothing else."""

    def load_events(self, path: str | os.PathLike[str], *, wait: bool = True) -> "EventsSummary":
        """Load events from a CSV, Parquet or JSON file; a known name is replaced."""
        from e2vdb.loading.events import load_events

        self._check_writable()
        return load_events(self._store, path, wait=wait)

    def remove_event(self, name: str, *, wait: bool = True) -> None:
        """Forget an event."""
        from e2vdb.loading.events import remove_event

        self._check_writable()
        remove_event(self._store, name, wait=wait)

    def cluster(
        self,
        name: str,
        k: int | str = "auto",
        *,
        where: str | None = None,
        method: str = "kmeans",
        full: bool = False,
        seed: int = 42,
        wait: bool = True,
    ) -> "ClusterSummary":
        """Cluster the calls that fulfil `where` (SQL over `calls`); a known name is replaced.

        `k` is a number or "auto"; `method` is kmeans, gaussian or hdbscan; `full` compares
        embeddings instead of distilled vectors. Later ingests join the clusters by themselves.
        """
        from e2vdb.query.clusters import fit_clustering

        with self._writing(wait=wait):
            return fit_clustering(
                self._store,
                self.sql,
                name,
                k=k,
                where=where,
                method=method,
                full=full,
                seed=seed,
            )

    def label_cluster(
        self, name: str, cluster: int, label: str | None, *, wait: bool = True
    ) -> None:
        """Give a cluster its business name; None takes it away."""
        from e2vdb.clustering.store import put_label

        with self._writing(wait=wait):
            put_label(self._store, name, cluster, label)

    def remove_clustering(self, name: str, *, wait: bool = True) -> None:
        """Forget a clustering."""
        from e2vdb.clustering.store import remove_clustering

        with self._writing(wait=wait):
            remove_clustering(self._store, name)

    def map(
        self,
        name: str,
        *,
        where: str | None = None,
        method: str = "auto",
        seed: int = 42,
        wait: bool = True,
    ) -> "MapSummary":
        """Put two coordinates a call into `emotion_map`, for plots.

        Without `where`, a clustering of that name chooses the calls, else all are shown.
        """
        from e2vdb.query.clusters import make_map

        with self._writing(wait=wait):
            return make_map(self._store, self.sql, name, where=where, method=method, seed=seed)

    def import_head(self, path: str | os.PathLike[str], *, wait: bool = True) -> "HeadSummary":
        """Store a classifier head from an .npz file and score every frame with it.

        The file holds a float matrix (9, D), a bias (9,) and perhaps `labels`; frames whose
        directory gave an emotion keep it. Later ingests apply the head by themselves.
        """
        from e2vdb.head.fill import import_head

        with self._writing(wait=wait):
            return import_head(self._store, path)

    def _assign_clusters(self, *, wait: bool = True) -> list[str]:
        """Let the calls that came in join the clusterings; return notes for the user."""
        from e2vdb.store.tables import CLUSTERS_TABLE

        if not self._store.dataset(CLUSTERS_TABLE).count_rows():
            return []
        from e2vdb.query.clusters import assign_new_calls

        with self._writing(wait=wait):
            return assign_new_calls(self._store, self.sql)
