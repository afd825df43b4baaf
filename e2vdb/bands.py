"""The article's four bands of plus_large's 1024 dimensions: a rule of thumb, not a definition.

Nobody at Emotion2Vec+ documents what a range of dimensions means; the article found the bands
by looking at samples. For vectors of another length they are not defined.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

DIMENSION = 1024
BANDS = {
    "0-127": slice(0, 128),
    "128-383": slice(128, 384),
    "384-767": slice(384, 768),
    "768-1023": slice(768, 1024),
}
POOR_QUALITY = 0.4
"""Audio quality (0..1) below which `robust` masks a vector."""

_MASK = np.ones(DIMENSION)
_MASK[BANDS["0-127"]] = 0.7
_MASK[BANDS["768-1023"]] = 1.3


def band_norms(vectors: NDArray[Any]) -> Doubles:
    """Return the Euclidean length of each band, (n, 4), of vectors (n, 1024)."""
    squares = np.square(vectors, dtype=np.float64)
    starts = [band.start for band in BANDS.values()]
    norms: Doubles = np.sqrt(np.add.reduceat(squares, starts, axis=1))
    return norms


def band_sums(values: Doubles) -> dict[str, float]:
    """Return the sum over each band of values (1024,)."""
    return {name: float(values[band].sum()) for name, band in BANDS.items()}


def robust(vectors: NDArray[np.float32], quality: Doubles) -> NDArray[np.float32]:
    """Return vectors (n, 1024), masked where the audio's quality (n,) is below 0.4.

    The pitch band 0-127, which noise disturbs, counts 0.7 times, the abstract band 768-1023
    1.3 times. Products are rounded to float32 once.
    """
    poor = quality < POOR_QUALITY
    masked = vectors.copy()
    with np.errstate(over="ignore"):  # what overflows is infinite, for the caller to refuse
        masked[poor] = (vectors[poor] * _MASK).astype(np.float32)
    return masked
