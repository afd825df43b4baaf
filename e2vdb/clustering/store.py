"""Clusterings in the database: a fit is one switch, later calls join it, labels name it."""

from dataclasses import replace as replaced
from datetime import datetime

import lance
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from e2vdb.clustering.model import Clustering, Floats, Integers, from_rows, to_rows
from e2vdb.errors import UsageError
from e2vdb.store.analysis_schemas import CLUSTERS
from e2vdb.store.commits import commit, find, key_of, overwrite, stage
from e2vdb.store.store import Store
from e2vdb.store.tables import CENTROIDS_TABLE, CLUSTERS_TABLE


def fits_in_use(clusters: lance.LanceDataset) -> dict[str, datetime]:
    """Return the moment of the fit that each name's rows belong to."""
    rows = clusters.to_table(columns=["name", "fitted_at"])
    newest = rows.group_by("name").aggregate([("fitted_at", "max")])
    return dict(zip(newest["name"].to_pylist(), newest["fitted_at_max"].to_pylist(), strict=True))


def read_clustering(
    clusters: lance.LanceDataset, centroids: lance.LanceDataset, name: str
) -> Clustering:
    """Return a clustering by name. Raises `UsageError` where there is none."""
    fits = fits_in_use(clusters)
    if name not in fits:
        known = ", ".join(sorted(fits)) or "none yet"
        raise UsageError(f"There is no clustering {name!r}; there are: {known}.")
    rows = centroids.to_table()
    own = pc.and_(pc.equal(rows["name"], name), pc.equal(rows["fitted_at"], fits[name]))
    return from_rows(rows.filter(own))


def put_clustering(store: Store, clustering: Clustering, rows: pa.Table) -> None:
    """Store a fit: centroids first, then all its rows in the place of the former fit's.

    The second commit is the switch: readers join rows with the centroids of the rows' own fit,
    so the former fit stays whole until then. Its centroids go with the next fit.
    """
    stored = store.dataset(CENTROIDS_TABLE).to_table()
    in_use = fits_in_use(store.dataset(CLUSTERS_TABLE)).get(clustering.name)
    kept = pc.not_equal(stored["name"], clustering.name)
    if in_use is not None:
        kept = pc.or_(kept, pc.equal(stored["fitted_at"], in_use))
    why = f"clustering {clustering.name}: {len(clustering.labels)} clusters"
    both = pa.concat_tables([stored.filter(kept), to_rows(clustering).cast(stored.schema)])
    overwrite(store, CENTROIDS_TABLE, both, why)
    gone = find(store.dataset(CLUSTERS_TABLE), ["name"], [clustering.name])
    staged = stage(store.address, CLUSTERS_TABLE, rows, CLUSTERS)
    commit(store, CLUSTERS_TABLE, staged, gone, why)


def put_rows(store: Store, clustering: Clustering, rows: pa.Table, gone: list[str]) -> None:
    """Add rows to a clustering, and remove those of `gone` utterances, in one commit."""
    keys = key_of(
        [pa.array([clustering.name] * len(gone), pa.string()), pa.array(gone, pa.string())]
    )
    places = find(store.dataset(CLUSTERS_TABLE), ["name", "utterance_id"], keys.to_pylist())
    staged = stage(store.address, CLUSTERS_TABLE, rows, CLUSTERS) if rows.num_rows else []
    why = f"clustering {clustering.name}: {rows.num_rows} calls assigned"
    commit(store, CLUSTERS_TABLE, staged, places, why)


def put_label(store: Store, name: str, cluster: int, label: str | None) -> None:
    """Give a cluster its business name. Raises `UsageError` for a cluster that is not there."""
    found = read_clustering(store.dataset(CLUSTERS_TABLE), store.dataset(CENTROIDS_TABLE), name)
    if not 0 <= cluster < len(found.labels):
        raise UsageError(
            f"The clustering {name!r} has the clusters 0 to {len(found.labels) - 1}, not {cluster}."
        )
    labels = list(found.labels)
    labels[cluster] = label
    stored = store.dataset(CENTROIDS_TABLE).to_table()
    others = pc.not_equal(stored["name"], name)
    new = to_rows(replaced(found, labels=tuple(labels))).cast(stored.schema)
    rows = pa.concat_tables([stored.filter(others), new])
    overwrite(store, CENTROIDS_TABLE, rows, f"clustering {name}: {cluster} is {label}")


def remove_clustering(store: Store, name: str) -> None:
    """Forget a clustering. Raises `UsageError` where there is none of that name."""
    read_clustering(store.dataset(CLUSTERS_TABLE), store.dataset(CENTROIDS_TABLE), name)
    gone = find(store.dataset(CLUSTERS_TABLE), ["name"], [name])
    commit(store, CLUSTERS_TABLE, [], gone, f"clustering {name}: removed")
    stored = store.dataset(CENTROIDS_TABLE).to_table()
    overwrite(store, CENTROIDS_TABLE, stored.filter(pc.not_equal(stored["name"], name)), "removed")


def cluster_rows(
    clustering: Clustering, calls: pa.Table, assigned: Integers, distances: Floats
) -> pa.Table:
    """Return rows of `clusters` for calls (utterance_id, content_hash), NaN distances as NULL."""
    n = len(assigned)
    mask = np.isnan(distances)
    return pa.table(
        [
            pa.array([clustering.name] * n, pa.string()),
            calls["utterance_id"],
            pa.array(assigned, pa.int32()),
            pa.array(distances, pa.float32(), mask=mask),
            pa.array([clustering.fitted_at] * n, CLUSTERS.field("fitted_at").type),
            calls["content_hash"],
        ],
        schema=CLUSTERS,
    )
