"""Finding clusters with scikit-learn, and how many of them."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from e2vdb.clustering.model import NOISE, Floats, Integers, squared_distances
from e2vdb.errors import UsageError

METHODS = ("kmeans", "hdbscan", "gaussian")
AUTO = "auto"
MOST_K_AUTO = 12
MINI_BATCH_VALUES = 200_000 * 1024
"""Values (rows times dimensions) past which k-means goes by mini-batches; below, whole passes
over distilled vectors are faster and closer."""

_SILHOUETTE_ROWS = 2_000
_CHOICE_ROWS = 20_000
_HDBSCAN_ROWS = 50_000
_FAINT = 0.1
_ROUNDING = 1 + 1e-4
_MINI_BATCH = 16_384


@dataclass(frozen=True, slots=True)
class Found:
    """What a method found among points (n, p): each point's cluster, largest cluster first."""

    assigned: Integers
    centres: Floats
    variance: NDArray[np.float64] | None
    weight: NDArray[np.float64] | None
    radius: NDArray[np.float64] | None
    inertia: float
    silhouette: float | None
    why: str


def find_clusters(points: Floats, method: str, k: int | str, seed: int) -> Found:
    """Cluster points (n, p). Raises `UsageError` where they are too few or the method finds none.

    `k` is a number or "auto", which takes the best silhouette of 2 to 12; HDBSCAN finds its own.
    """
    _check(points, method, k)
    if method == "hdbscan":
        assigned, why = _hdbscan(points)
        centres = _means(points, assigned)
        return _described(points, assigned, centres, why, seed, bounded=True)
    chosen, why = choose_k(points, seed) if k == AUTO else (int(k), f"k = {k} was asked for")
    if method == "gaussian":
        return _gaussian(points, chosen, why, seed)
    assigned, centres = _kmeans(points, chosen, seed)
    return _described(points, assigned, centres, why, seed)


def _check(points: Floats, method: str, k: int | str) -> None:
    if method not in METHODS:
        raise UsageError(f"method must be one of {', '.join(METHODS)}, not {method!r}.")
    if k != AUTO and (not isinstance(k, int) or k < 1):
        raise UsageError(f"k must be a number of clusters from 1 on, or auto, not {k!r}.")
    least = 3 if k == AUTO else int(k)
    if len(points) < least:
        raise UsageError(
            f"{len(points)} calls with vectors cannot make {least} clusters; "
            "widen --where or ask for fewer."
        )
    if method == "hdbscan" and len(points) > _HDBSCAN_ROWS:
        raise UsageError(
            f"hdbscan compares all pairs and takes {_HDBSCAN_ROWS:,} calls at most, "
            f"not {len(points):,}; narrow --where or use kmeans."
        )


def choose_k(points: Floats, seed: int) -> tuple[int, str]:
    """Return the number of clusters with the best silhouette, and that reason in a sentence."""
    rng = np.random.default_rng(seed)
    sample = points
    if len(points) > _CHOICE_ROWS:
        sample = points[np.sort(rng.choice(len(points), _CHOICE_ROWS, replace=False))]
    scores: dict[int, float] = {}
    for k in range(2, min(MOST_K_AUTO, len(sample) - 1) + 1):
        assigned, _ = _kmeans(sample, k, seed)
        score = _silhouette(sample, assigned, seed)
        if score is not None:
            scores[k] = score
    if not scores:
        return 1, "k = 1: all calls sound the same"
    best = max(scores, key=lambda k: scores[k])
    others = ", ".join(f"{k}: {score:.2f}" for k, score in scores.items() if k != best)
    why = f"k = {best} has the best silhouette, {scores[best]:.2f} ({others})"
    if scores[best] < _FAINT:
        why += f"; below {_FAINT} the calls hardly form clusters at all"
    return best, why


def _kmeans(points: Floats, k: int, seed: int) -> tuple[Integers, Floats]:
    from sklearn.cluster import KMeans, MiniBatchKMeans

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fewer distinct points than clusters is no mistake
        if points.size > MINI_BATCH_VALUES:
            model = MiniBatchKMeans(k, n_init=1, batch_size=_MINI_BATCH, random_state=seed)
        else:
            starts = 10 if len(points) <= _CHOICE_ROWS else 3 if len(points) <= 100_000 else 1
            model = KMeans(k, n_init=starts, random_state=seed)
        model.fit(points)
    return model.labels_.astype(np.int32), model.cluster_centers_.astype(np.float32)


def _gaussian(points: Floats, k: int, why: str, seed: int) -> Found:
    """Fit a mixture of round Gaussians, which three numbers and a centre describe whole."""
    from sklearn.mixture import GaussianMixture

    model = GaussianMixture(k, covariance_type="spherical", n_init=3, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fit that stops early is still a mixture
        assigned = model.fit_predict(points.astype(np.float64)).astype(np.int32)
    return _described(
        points,
        assigned,
        model.means_.astype(np.float32),
        why,
        seed,
        variance=model.covariances_,
        weight=model.weights_,
    )


def _hdbscan(points: Floats) -> tuple[Integers, str]:
    from sklearn.cluster import HDBSCAN

    smallest = max(5, len(points) // 50)
    assigned = HDBSCAN(min_cluster_size=smallest, copy=True).fit_predict(points).astype(np.int32)
    k = int(assigned.max()) + 1
    if k == 0:
        raise UsageError(
            f"hdbscan finds no group of {smallest} calls or more that lie closer together than "
            "the rest; try --method kmeans."
        )
    left_out = int((assigned == NOISE).sum())
    return assigned, f"hdbscan found {k} dense groups and left {left_out} calls out"


def _means(points: Floats, assigned: Integers) -> Floats:
    k = int(assigned.max()) + 1
    return np.stack([points[assigned == one].mean(axis=0) for one in range(k)])


def _described(
    points: Floats,
    assigned: Integers,
    centres: Floats,
    why: str,
    seed: int,
    *,
    variance: NDArray[np.float64] | None = None,
    weight: NDArray[np.float64] | None = None,
    bounded: bool = False,
) -> Found:
    """Number the clusters by size and measure them."""
    kept = assigned != NOISE
    sizes = np.bincount(assigned[kept], minlength=len(centres))
    order = np.argsort(-sizes, kind="stable")
    number = np.empty(len(order) + 1, np.int32)
    number[order], number[NOISE] = np.arange(len(order)), NOISE
    assigned, centres = number[assigned], centres[order]
    own = np.zeros(len(points))
    for start in range(0, len(points), _MINI_BATCH):
        here = slice(start, start + _MINI_BATCH)
        block = squared_distances(points[here], centres)
        own[here] = block[np.arange(len(block)), assigned[here]]
    radius = None
    if bounded:
        widest = [own[assigned == one].max() for one in range(len(centres))]
        radius = np.sqrt(widest) * _ROUNDING
    return Found(
        assigned=assigned,
        centres=centres,
        variance=None if variance is None else variance[order],
        weight=None if weight is None else weight[order],
        radius=radius,
        inertia=float(own[kept].sum()),
        silhouette=_silhouette(points[kept], assigned[kept], seed),
        why=why,
    )


def _silhouette(points: Floats, assigned: Any, seed: int) -> float | None:
    from sklearn.metrics import silhouette_score

    if len(points) > _SILHOUETTE_ROWS:
        rng = np.random.default_rng(seed)
        chosen = np.sort(rng.choice(len(points), _SILHOUETTE_ROWS, replace=False))
        points, assigned = points[chosen], assigned[chosen]
    if not 2 <= len(np.unique(assigned)) < len(points):
        return None
    return float(silhouette_score(points, assigned))
