"""A fitted clustering: its centroids, and which cluster a vector belongs to."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from e2vdb.distill.distiller import Distiller
from e2vdb.errors import UsageError
from e2vdb.store.analysis_schemas import cluster_centroids_schema

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]

DISTILLED_SPACE, FULL_SPACE = "distilled", "full"
NOISE = -1
_BLOCK = 65_536


@dataclass(frozen=True, slots=True)
class Clustering:
    """Clusters of one fit. `centroids` (k, D) lie among unit-length embeddings.

    `variance` and `weight` (k,) are those of a Gaussian mixture, `radius` (k,) bounds clusters
    that leave calls out; each is None for methods without it.
    """

    name: str
    method: str
    space: str
    scope: str | None
    seed: int
    centroids: Floats
    labels: tuple[str | None, ...]
    sizes: tuple[int, ...]
    variance: NDArray[np.float64] | None
    weight: NDArray[np.float64] | None
    radius: NDArray[np.float64] | None
    inertia: float
    silhouette: float | None
    why: str
    fitted_at: datetime

    def centres(self, distiller: Distiller | None) -> Floats:
        """Return the centroids in the space of the vectors they are compared with."""
        if self.space == FULL_SPACE:
            return self.centroids
        if distiller is None:
            raise UsageError(
                f"The clustering {self.name!r} is of distilled vectors and there are none; "
                "run `e2vdb distill`."
            )
        projected = (self.centroids - distiller.mean) @ distiller.components.T
        return projected.astype(np.float32)

    def points(self, embeddings: NDArray[Any], distiller: Distiller | None) -> Floats:
        """Return embeddings (n, D) of any length as vectors of the clustering's space."""
        if self.space == FULL_SPACE:
            return unit(embeddings)
        if distiller is None:
            raise UsageError("There is no distiller yet; run `e2vdb distill` first.")
        return distiller.apply(embeddings)

    def assign(self, points: Floats, centres: Floats) -> tuple[Integers, Floats]:
        """Return each point's cluster, -1 for noise, and its distance to that centroid (NaN)."""
        found = [self._assign(block, centres) for block in _blocks(points)]
        if not found:
            return np.empty(0, np.int32), np.empty(0, np.float32)
        clusters, distances = zip(*found, strict=True)
        return np.concatenate(clusters), np.concatenate(distances)

    def _assign(self, points: Floats, centres: Floats) -> tuple[Integers, Floats]:
        squared = squared_distances(points, centres)
        if self.variance is not None and self.weight is not None:
            size = centres.shape[1]
            fit = np.log(self.weight) - 0.5 * (
                size * np.log(self.variance) + squared / self.variance
            )
            nearest = fit.argmax(axis=1).astype(np.int32)
        else:
            nearest = squared.argmin(axis=1).astype(np.int32)
        distances = np.sqrt(squared[np.arange(len(points)), nearest]).astype(np.float32)
        if self.radius is not None:
            outside = distances > self.radius[nearest]
            nearest[outside], distances[outside] = NOISE, np.nan
        return nearest, distances


def unit(vectors: NDArray[Any]) -> Floats:
    """Return rows divided by their lengths, float32."""
    values = vectors.astype(np.float32, copy=False)
    scaled: Floats = values / np.linalg.norm(values, axis=1, keepdims=True)
    return scaled


def squared_distances(points: Floats, centres: Floats) -> NDArray[np.float64]:
    """Return squared Euclidean distances, (n, k), never negative."""
    distances: NDArray[np.float64] = (
        np.einsum("ij,ij->i", points, points, dtype=np.float64)[:, None]
        + np.einsum("ij,ij->i", centres, centres, dtype=np.float64)[None]
        - 2.0 * (points @ centres.T)
    )
    np.maximum(distances, 0, out=distances)
    return distances


def _blocks(points: Floats) -> Iterator[Floats]:
    for start in range(0, len(points), _BLOCK):
        yield points[start : start + _BLOCK]


def to_rows(clustering: Clustering) -> pa.Table:
    """Return the clustering as rows of `cluster_centroids`, one a cluster."""

    def each(values: NDArray[np.float64] | None) -> list[float | None]:
        found = [None] * len(clustering.labels) if values is None else values.tolist()
        return list(found)

    k = len(clustering.labels)
    columns: dict[str, list[Any]] = {
        "name": [clustering.name] * k,
        "cluster": list(range(k)),
        "label": list(clustering.labels),
        "size": list(clustering.sizes),
        "centroid": list(clustering.centroids),
        "variance": each(clustering.variance),
        "weight": each(clustering.weight),
        "radius": each(clustering.radius),
        "method": [clustering.method] * k,
        "space": [clustering.space] * k,
        "scope": [clustering.scope] * k,
        "seed": [clustering.seed] * k,
        "inertia": [clustering.inertia] * k,
        "silhouette": [clustering.silhouette] * k,
        "why": [clustering.why] * k,
        "fitted_at": [clustering.fitted_at] * k,
    }
    schema = cluster_centroids_schema(clustering.centroids.shape[1])
    return pa.table([pa.array(columns[field.name], field.type) for field in schema], schema=schema)


def from_rows(rows: pa.Table) -> Clustering:
    """Return the clustering that the rows of one fit describe."""
    found = sorted(rows.to_pylist(), key=lambda row: row["cluster"])
    first = found[0]

    def each(name: str) -> NDArray[np.float64] | None:
        values = [row[name] for row in found]
        return None if values[0] is None else np.array(values, np.float64)

    return Clustering(
        name=first["name"],
        method=first["method"],
        space=first["space"],
        scope=first["scope"],
        seed=first["seed"],
        centroids=np.array([row["centroid"] for row in found], np.float32),
        labels=tuple(row["label"] for row in found),
        sizes=tuple(row["size"] for row in found),
        variance=each("variance"),
        weight=each("weight"),
        radius=each("radius"),
        inertia=first["inertia"],
        silhouette=first["silhouette"],
        why=first["why"],
        fitted_at=first["fitted_at"],
    )
