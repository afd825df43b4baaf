"""The model's own classifier, `proj`: nine scores for any vector, an utterance's or a frame's."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from e2vdb.ingest.labels import EMOTIONS, canonical

Floats = NDArray[np.float32]
NEVER = -1e9
"""The bias of an emotion that a model does not know: its score is 0."""


@dataclass(frozen=True, slots=True)
class ModelHead:
    """`weight` (9, D) and `bias` (9,), float32, rows in the order of `EMOTIONS`."""

    weight: Floats
    bias: Floats

    def scores(self, vectors: Floats) -> Floats:
        """Return the nine scores (n, 9), each row summing to 1, of vectors (n, D)."""
        logits = vectors @ self.weight.T + self.bias
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        scores: Floats = powers / powers.sum(axis=1, keepdims=True)
        return scores


def head_of(weight: Floats, bias: Floats, labels: Sequence[str]) -> ModelHead:
    """Return a head whose rows stand in our order, from a model's `proj` and its labels.

    Labels that name no emotion (`unuse_0`) are left out, as FunASR leaves them out.
    """
    names = [canonical(label) for label in labels]
    ours_weight = np.zeros((len(EMOTIONS), weight.shape[1]), np.float32)
    ours_bias = np.full(len(EMOTIONS), NEVER, np.float32)
    for row, emotion in enumerate(EMOTIONS):
        if emotion in names:
            ours_weight[row] = weight[names.index(emotion)]
            ours_bias[row] = bias[names.index(emotion)]
    return ModelHead(ours_weight, ours_bias)
