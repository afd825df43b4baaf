"""Thresholds from labelled calls instead of folklore: the ROC of similarity against labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from e2vdb.errors import UsageError
from e2vdb.references.quality import PASS, REVIEW

TOLERANCE = 0.05
"""Bad calls that may pass, and good calls that may be called a risk, as shares."""

_GOOD = ("good", "pass", "1", "true")
_BAD = ("bad", "risk", "0", "false")


@dataclass(frozen=True, slots=True)
class ThresholdRates:
    """What one threshold does: the share of good calls at or above it, of bad calls below."""

    name: str
    threshold: float
    sensitivity: float
    specificity: float


@dataclass(frozen=True, slots=True)
class TuneReport:
    """The area under the ROC curve, the proposed thresholds, and rates of these and the usual."""

    name: str
    good: int
    bad: int
    auc: float
    pass_threshold: float
    review_threshold: float
    rates: tuple[ThresholdRates, ...]
    in_set: int
    without_similarity: int


def parse_label(label: object) -> bool | None:
    """Return whether a label says good, None for an empty one.

    Raises `UsageError` for a word that is none of good, bad, pass, risk, 1, 0, true, false.
    """
    text = "" if label is None else str(label).strip().lower()
    text = text.removesuffix(".0")
    if not text:
        return None
    if text not in (*_GOOD, *_BAD):
        raise UsageError(f"The label {label!r} is none of {', '.join((*_GOOD, *_BAD))}.")
    return text in _GOOD


def tune(
    name: str,
    labels: dict[str, bool],
    similarity: dict[str, float],
    members: Sequence[str],
    tolerance: float = TOLERANCE,
) -> TuneReport:
    """Propose thresholds: `pass` lets at most `tolerance` of the bad calls through, `review`
    leaves at most `tolerance` of the good calls to `risk`.

    Where the labels separate so well that these cross, both are the threshold with the largest
    sum of sensitivity and specificity. Labelled calls of the set itself are left out, for their
    similarity counts themselves. Raises `UsageError` unless good and bad calls are left.
    """
    if not 0 < tolerance < 1:
        raise UsageError(f"tolerance must lie between 0 and 1, not {tolerance:g}.")
    own = labels.keys() & set(members)
    used = [one for one in labels if one in similarity and one not in own]
    truth = np.array([labels[one] for one in used], bool)
    if truth.all() or not truth.any():
        raise UsageError(
            f"Tuning {name!r} needs good and bad calls outside the set, with embeddings; "
            f"the labels have {int(truth.sum())} good and {int((~truth).sum())} bad."
        )
    scores = np.array([similarity[one] for one in used])
    least_pass, least_review = _propose(truth, scores, tolerance)
    named = {"usual pass": PASS, "usual review": REVIEW}
    named |= {"proposed pass": least_pass, "proposed review": least_review}
    return TuneReport(
        name,
        int(truth.sum()),
        int((~truth).sum()),
        _auc(truth, scores),
        least_pass,
        least_review,
        tuple(_rates(about, value, truth, scores) for about, value in named.items()),
        len(own),
        len(labels) - len(own) - len(used),
    )


def _auc(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(truth, scores))


def _propose(
    truth: NDArray[np.bool_], scores: NDArray[np.float64], tolerance: float
) -> tuple[float, float]:
    from sklearn.metrics import roc_curve

    false_pass, sensitivity, thresholds = roc_curve(truth, scores, drop_intermediate=False)
    thresholds[0] = 1  # for infinity, at which nothing passes: no cosine is larger
    least_pass = float(thresholds[false_pass <= tolerance][-1])
    least_review = float(thresholds[sensitivity >= 1 - tolerance][0])
    if least_review > least_pass:
        least_pass = least_review = float(thresholds[np.argmax(sensitivity - false_pass)])
    return _between(least_pass, scores), _between(least_review, scores)


def _between(threshold: float, scores: NDArray[np.float64]) -> float:
    """Move a threshold halfway to the next score below: it decides alike and bears rounding."""
    below = scores[scores < threshold]
    return (threshold + float(below.max())) / 2 if len(below) else threshold


def _rates(
    name: str, threshold: float, truth: NDArray[np.bool_], scores: NDArray[np.float64]
) -> ThresholdRates:
    above = scores >= threshold
    return ThresholdRates(
        name, threshold, float(above[truth].mean()), float((~above[~truth]).mean())
    )
