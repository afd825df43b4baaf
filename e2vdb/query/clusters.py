"""Clusterings and maps of the calls that a condition chooses."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import numpy as np
import pyarrow as pa

from e2vdb.clustering.fit import Found, find_clusters
from e2vdb.clustering.maps import coordinates, put_map
from e2vdb.clustering.model import DISTILLED_SPACE, FULL_SPACE, Clustering, Floats, unit
from e2vdb.clustering.store import (
    cluster_rows,
    fits_in_use,
    put_clustering,
    put_rows,
    read_clustering,
)
from e2vdb.distill.distiller import Distiller, matrix, read_distiller
from e2vdb.errors import UsageError
from e2vdb.store.store import Store
from e2vdb.store.tables import CENTROIDS_TABLE, CLUSTERS_TABLE, DISTILLERS

Ask = Callable[..., duckdb.DuckDBPyRelation | None]


@dataclass(frozen=True, slots=True)
class ClusterSummary:
    """What a fit found: calls by cluster, largest first, and why so many clusters."""

    name: str
    method: str
    calls: int
    sizes: tuple[int, ...]
    silhouette: float | None
    why: str


@dataclass(frozen=True, slots=True)
class MapSummary:
    """What a map shows and how it was made."""

    name: str
    calls: int
    method: str


def fit_clustering(
    store: Store,
    ask: Ask,
    name: str,
    *,
    k: int | str,
    where: str | None,
    method: str,
    full: bool,
    seed: int,
) -> ClusterSummary:
    """Cluster the calls that fulfil `where` and store the result under a name."""
    if not name.strip():
        raise UsageError("A clustering needs a name, such as --name anger.")
    space = FULL_SPACE if full else DISTILLED_SPACE
    calls, points = _chosen(ask, where, space, seen=None)
    found = find_clusters(points, method, k, seed)
    distiller = read_distiller(store.dataset(DISTILLERS))
    clustering = Clustering(
        name=name,
        method=method,
        space=space,
        scope=where,
        seed=seed,
        centroids=_lifted(found.centres, space, distiller),
        labels=(None,) * len(found.centres),
        sizes=tuple(int(n) for n in np.bincount(found.assigned[found.assigned >= 0])),
        variance=found.variance,
        weight=found.weight,
        radius=found.radius,
        inertia=found.inertia,
        silhouette=found.silhouette,
        why=found.why,
        fitted_at=datetime.now(UTC),
    )
    put_clustering(
        store,
        clustering,
        cluster_rows(clustering, calls, found.assigned, _distances(points, found)),
    )
    return ClusterSummary(name, method, len(points), clustering.sizes, found.silhouette, found.why)


def assign_new_calls(store: Store, ask: Ask) -> list[str]:
    """Bring every clustering up to date with the calls; return what could not be, in sentences."""
    notes = []
    for name in sorted(fits_in_use(store.dataset(CLUSTERS_TABLE))):
        try:
            _assign_new_calls(store, ask, name)
        except (duckdb.Error, UsageError) as error:
            reason = str(error).split("\n", 1)[0]
            notes.append(f"The clustering {name!r} could not take in the new calls: {reason}")
    return notes


def _assign_new_calls(store: Store, ask: Ask, name: str) -> None:
    clustering = read_clustering(
        store.dataset(CLUSTERS_TABLE), store.dataset(CENTROIDS_TABLE), name
    )
    calls, points = _chosen(ask, clustering.scope, clustering.space, seen=name)
    relation = ask(
        f"SELECT utterance_id FROM _clusters WHERE name = $name AND (utterance_id, content_hash) "
        f"NOT IN (SELECT (utterance_id, content_hash) FROM calls WHERE {_scope(clustering.scope)})",
        {"name": name},
    )
    gone = [one for (one,) in relation.fetchall()] if relation is not None else []
    if not (len(points) or gone):
        return
    centres = clustering.centres(read_distiller(store.dataset(DISTILLERS)))
    assigned, distances = clustering.assign(points, centres)
    put_rows(store, clustering, cluster_rows(clustering, calls, assigned, distances), gone)


def make_map(
    store: Store, ask: Ask, name: str, *, where: str | None, method: str, seed: int
) -> MapSummary:
    """Lay the calls that fulfil `where`, else a clustering of that name, else all, on a plane."""
    if not name.strip():
        raise UsageError("A map needs a name, such as --name anger.")
    clusters, centroids = store.dataset(CLUSTERS_TABLE), store.dataset(CENTROIDS_TABLE)
    if where is None and name in fits_in_use(clusters):
        where = read_clustering(clusters, centroids, name).scope
    calls, points = _chosen(ask, where, DISTILLED_SPACE, seen=None)
    flat, used = coordinates(points, method, seed)
    put_map(store, name, calls["utterance_id"], flat)
    return MapSummary(name, len(flat), used)


def _scope(where: str | None) -> str:
    return "true" if where is None else f"({where}\n)"


def _chosen(
    ask: Ask, where: str | None, space: str, *, seen: str | None
) -> tuple[pa.Table, Floats]:
    """Return calls (utterance_id, content_hash) and their points, without those already seen."""
    column = "embedding" if space == FULL_SPACE else "distilled"
    scope = f"SELECT utterance_id FROM calls WHERE {_scope(where)}"
    unseen = (
        ""
        if seen is None
        else "ANTI JOIN (SELECT utterance_id, content_hash FROM _clusters WHERE name = $seen) "
        "AS known USING (utterance_id, content_hash)"
    )
    relation = ask(
        f"SELECT utterance_id, content_hash, {column} AS vector "
        f"FROM _utterances SEMI JOIN ({scope}) AS scope USING (utterance_id) {unseen} "
        f"WHERE {column} IS NOT NULL ORDER BY utterance_id",
        None if seen is None else {"seen": seen},
    )
    assert relation is not None  # noqa: S101 - a SELECT always has rows
    rows = relation.to_arrow_table()
    vectors = rows["vector"].combine_chunks()
    if not pa.types.is_fixed_size_list(vectors.type) or not len(vectors):
        return rows, np.empty((0, 0), np.float32)
    points = np.asarray(matrix(vectors), np.float32)
    return rows, unit(points) if space == FULL_SPACE else points


def _lifted(centres: Floats, space: str, distiller: Distiller | None) -> Floats:
    """Return centroids among unit-length embeddings; projecting them gives the same ones back."""
    if space == FULL_SPACE or distiller is None:
        return centres
    lifted: Floats = centres @ distiller.components + distiller.mean
    return lifted


def _distances(points: Floats, found: Found) -> Floats:
    own = np.full(len(points), np.nan, np.float32)
    for one, centre in enumerate(found.centres):
        here = found.assigned == one
        own[here] = np.linalg.norm(points[here] - centre, axis=1)
    return own
