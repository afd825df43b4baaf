"""Learning a linear map from voice to another space: ridge, checked on held-out pairs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from e2vdb.errors import UsageError
from e2vdb.store.vectors import Doubles, Floats

FEWEST_PAIRS = 10
MOST_PAIRS = 20_000
"""Pairs that a fit looks at: 20 for each of 1,024 dimensions, 160 MB in double precision."""

HELD_OUT = 0.2
SEED = 0
_STRENGTHS = np.logspace(-6, 3, 19)


@dataclass(frozen=True, slots=True)
class Fit:
    """A map `weight` (m, D) with `intercept` (m,), and how well it does on pairs not learned from.

    `held_out_cosine` is the mean cosine between mapped voice and text there; `baseline_cosine`
    is what the mean text, the same for every voice, reaches: the map is worth the difference.
    """

    weight: Floats
    intercept: Floats
    pairs: int
    strength: float
    held_out_cosine: float
    baseline_cosine: float


def draw_pairs(pairs: int) -> NDArray[np.int64]:
    """Return which pairs to learn from: all, or 20,000 drawn evenly, in random order."""
    return np.random.default_rng(SEED).permutation(pairs)[:MOST_PAIRS]


def fit(voices: Floats, texts: Floats) -> Fit:
    """Fit a ridge map from voices (n, D) to texts (n, m), in the order of `draw_pairs`.

    The strength comes from leave-one-out cross-validation on four fifths of the pairs, the
    cosines from the last fifth; then all pairs are fitted. Raises `UsageError` for fewer than
    ten pairs.
    """
    from sklearn.linear_model import Ridge

    if len(voices) < FEWEST_PAIRS:
        raise UsageError(f"An alignment needs {FEWEST_PAIRS} pairs with voices, not {len(voices)}.")
    first = max(2, int(HELD_OUT * len(voices)))
    held, learned = slice(first), slice(first, None)
    strength = _strength(voices[learned], texts[learned])
    # Always the dual or primal normal equations: exact, and one factorisation for all columns.
    trial = Ridge(strength, solver="cholesky").fit(_doubles(voices[learned]), texts[learned])
    mapped = trial.predict(_doubles(voices[held])).reshape(first, -1)
    usual = np.broadcast_to(texts[learned].mean(axis=0, dtype=np.float64), mapped.shape)
    final = Ridge(strength, solver="cholesky").fit(_doubles(voices), texts)
    return Fit(
        final.coef_.reshape(texts.shape[1], -1).astype(np.float32),
        np.atleast_1d(final.intercept_).astype(np.float32),
        len(voices),
        strength,
        float(cosines(mapped, texts[held]).mean()),
        float(cosines(usual, texts[held]).mean()),
    )


def _strength(voices: Floats, texts: Floats) -> float:
    """Return the ridge strength that leave-one-out predicts best with.

    Strengths are tried in proportion to the voices' spread, so that their scale does not matter.
    """
    from sklearn.linear_model import RidgeCV

    some = _doubles(voices)
    spread = float(np.square(some - some.mean(axis=0)).sum()) / min(some.shape)
    if not spread:
        raise UsageError("All voices of the pairs are the same; there is nothing to learn.")
    search = RidgeCV(alphas=spread * _STRENGTHS).fit(some, _doubles(texts))
    return float(search.alpha_)


def _doubles(vectors: NDArray[np.floating]) -> Doubles:
    return vectors.astype(np.float64)


def cosines(one: NDArray[np.floating], other: NDArray[np.floating]) -> Doubles:
    """Return the cosine of each row of (n, m) with the row beside it; 0 for a zero row."""
    first, second = _doubles(one), _doubles(other)
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    products = np.einsum("ij,ij->i", first, second)
    found: Doubles = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    return found
