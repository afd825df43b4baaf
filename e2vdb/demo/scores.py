"""The nine scores the recogniser would give a call."""

from collections.abc import Sequence

import numpy as np

from e2vdb.demo.calls import Call
from e2vdb.demo.scenario import EMOTIONS

Scores = dict[str, float]


def draw_scores(calls: Sequence[Call], rng: np.random.Generator) -> list[Scores]:
    """Return nine scores a call, summing to 1, the call's emotion the largest of them."""
    return [_scores(call, rng) for call in calls]


def _scores(call: Call, rng: np.random.Generator) -> Scores:
    """An ambiguous call has a low top score and the other emotion close behind it."""
    scores = dict.fromkeys(EMOTIONS, 0.0)
    if call.leaning:
        top = rng.uniform(0.40, 0.55)
        scores[call.leaning] = min(top * rng.uniform(0.6, 0.95), (1 - top) * 0.9)
    else:
        top = 0.55 + 0.44 * rng.beta(3.0, 1.2)
    scores[call.emotion] = top
    rest = [name for name in EMOTIONS if not scores[name]]
    left = 1.0 - sum(scores.values())
    scores.update(zip(rest, left * rng.dirichlet([0.7] * len(rest)), strict=True))
    return {name: round(float(score), 6) for name, score in scores.items()}
