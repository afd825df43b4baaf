"""Where the feeling of a call turns: change points of its distilled frames."""

import itertools
import math
from typing import Any, NamedTuple

import lance
import numpy as np
from numpy.typing import NDArray

from e2vdb.distill.distiller import matrix
from e2vdb.errors import InputError, UsageError
from e2vdb.store.tables import DISTILLED

BIN_FRAMES = 25
"""Frames averaged before the search (half a second): speech below that is words, not mood."""

MOST_BINS = 4_000
_SETTLED_BINS = 4
_PENALTY = 5.0

Points = NDArray[np.float64]


class Segment(NamedTuple):
    """Frames `first` to `last` of one feeling, and how far its mean lies from the one before."""

    segment: int
    first: int
    last: int
    distance: float | None


def segments_of(frames: lance.LanceDataset, utterance_id: str) -> list[Segment]:
    """Return a call's segments, in order; none for a call without frames.

    Raises `InputError` where frames were stored without distilled vectors.
    """
    if DISTILLED not in frames.schema.names:
        raise InputError("Frames have no distilled vectors yet; run `e2vdb distill` first.")
    quoted = "'" + utterance_id.replace("'", "''") + "'"
    rows = frames.to_table(
        columns=["frame_index", DISTILLED],
        filter=f"utterance_id = {quoted} AND {DISTILLED} IS NOT NULL",
    ).sort_by("frame_index")
    if not rows.num_rows:
        return []
    points = matrix(rows[DISTILLED].combine_chunks())
    index = rows["frame_index"].to_numpy()
    cuts = [0, *change_points(points), len(points)]
    means = [points[a:b].mean(axis=0) for a, b in itertools.pairwise(cuts)]
    return [
        Segment(
            number + 1,
            int(index[cuts[number]]),
            int(index[cuts[number + 1] - 1]),
            float(np.linalg.norm(mean - means[number - 1])) if number else None,
        )
        for number, mean in enumerate(means)
    ]


def change_points(points: NDArray[Any]) -> list[int]:
    """Return the rows of points (n, d) at which a new segment begins, in order.

    Penalised least squares (PELT) on means of half a second, each cut then placed to the frame.
    """
    step = max(BIN_FRAMES, math.ceil(len(points) / MOST_BINS))
    bins = len(points) // step
    if bins <= _SETTLED_BINS:
        return []
    starts = np.arange(0, bins * step, step)
    means: Points = np.add.reduceat(points[: bins * step], starts, axis=0, dtype=np.float64) / step
    penalty = _penalty(means)
    if penalty <= 0:
        return []
    found = _search(means, penalty)
    return _placed(points, [cut * step for cut in found], step)


def _search(means: Points, penalty: float) -> list[int]:
    try:
        from ruptures import KernelCPD
    except ImportError as error:
        raise UsageError(
            'change_points needs the library ruptures: pip install "ruptures>=1.1.9"'
        ) from error
    cuts: list[int] = KernelCPD(kernel="linear", min_size=2).fit(means).predict(pen=penalty)
    return cuts[:-1]


def _penalty(means: Points) -> float:
    """Return what a cut must save: what the best cut of pure noise saves, several times over.

    The noise is measured between means two seconds apart, since neighbours share words, and by
    medians, since real changes are few. A cut of noise saves a sum of chi-squared variables;
    the bound on its maximum is Laurent and Massart's.
    """
    apart = means[_SETTLED_BINS:] - means[:-_SETTLED_BINS]
    spread = 1.4826 * np.median(np.abs(apart - np.median(apart, axis=0)), axis=0)
    variance = spread**2 / 2
    many = math.log(len(means))
    noise = variance.sum() + 2 * math.sqrt((variance**2).sum() * many) + 2 * variance.max() * many
    return float(_PENALTY * noise)


def _placed(points: NDArray[Any], cuts: list[int], step: int) -> list[int]:
    """Move each cut, by at most a bin, to the frame that parts the means beside it best."""
    bounds = [0, *cuts, len(points)]
    placed = []
    for before, cut, after in zip(bounds, bounds[1:], bounds[2:], strict=False):
        left = points[before:cut].mean(axis=0)
        right = points[cut:after].mean(axis=0)
        low, high = max(before + 1, cut - step), min(after - 1, cut + step)
        here = points[low:high]
        gain = ((here - right) ** 2).sum(axis=1) - ((here - left) ** 2).sum(axis=1)
        placed.append(low + int(np.argmax(np.concatenate([[0.0], np.cumsum(gain)]))))
    return placed
