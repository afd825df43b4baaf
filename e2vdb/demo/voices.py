"""A generative model of utterance embeddings: emotion, voice and what was said."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from e2vdb.demo.calls import Call
from e2vdb.demo.scenario import AGENTS, ANGER_KINDS, EMOTIONS

DIMENSION = 1024
CONTENT_RANK = 25
SPEECH, EMOTION, ANGER_KIND, VOICE, CONTENT, NOISE = 13.0, 7.0, 7.0, 4.0, 5.5, 1.1
"""Lengths of the components in the units of an embedding, whose norm is about 19."""
GRID = 4096

Floats = NDArray[np.float64]
Directions = dict[str, Floats]
Embeddings = NDArray[np.float32]


def on_grid(values: Floats) -> Embeddings:
    """Round to multiples of 1/4096 within +-4.9, so that sums are exact and bytes portable."""
    steps: Floats = np.round(np.clip(values, -4.9, 4.9) * GRID)
    return (steps / GRID).astype(np.float32)


class VoiceModel:
    """Fixed directions for emotions, anger kinds, voices and content, drawn once per seed."""

    def __init__(self, seed: int) -> None:
        """Draw mutually orthogonal unit directions for every component."""
        n = 1 + len(EMOTIONS) + len(ANGER_KINDS) + len(AGENTS) + CONTENT_RANK
        rng = np.random.default_rng([seed, 2])
        basis = np.linalg.qr(rng.standard_normal((DIMENSION, n)))[0].T
        rows = iter(basis)
        self._speech: Floats = SPEECH * next(rows)
        self._emotions: Directions = {name: EMOTION * next(rows) for name in EMOTIONS}
        self._kinds: Directions = {name: ANGER_KIND * next(rows) for name in ANGER_KINDS}
        self._voices: Directions = {agent.name: VOICE * next(rows) for agent in AGENTS}
        spectrum = np.linspace(1.6, 0.3, CONTENT_RANK)
        self._content = basis[-CONTENT_RANK:] * (spectrum / np.linalg.norm(spectrum))[:, None]

    def anger(self, kind: str) -> Floats:
        """Return the offset of one kind of anger from plain speech, (1024,)."""
        offset: Floats = self._emotions["angry"] + self._kinds[kind]
        return offset

    def emotion(self, name: str) -> Floats:
        """Return the offset of an emotion from plain speech, (1024,)."""
        return self._emotions[name]

    def centre(self, call: Call) -> Floats:
        """Return the expected embedding of a call before noise, (1024,)."""
        feeling = self.anger(call.anger_kind) if call.anger_kind else self.emotion(call.emotion)
        if call.leaning:
            feeling = (1 - call.lean) * feeling + call.lean * self.emotion(call.leaning)
        centre: Floats = self._speech + self._voices[call.agent.name] + feeling
        return centre

    def content(self, n: int, rng: np.random.Generator) -> Floats:
        """Return n draws of what an utterance says, (n, 1024), of mean length 1."""
        draws: Floats = rng.standard_normal((n, CONTENT_RANK)) @ self._content
        return draws

    def embed(self, calls: Sequence[Call], rng: np.random.Generator) -> Embeddings:
        """Return the calls' embeddings, (n, 1024), with norms between 16 and 24."""
        n = len(calls)
        vectors = np.stack([self.centre(call) for call in calls])
        vectors += CONTENT * self.content(n, rng)
        vectors += rng.standard_normal((n, DIMENSION)) * (NOISE / np.sqrt(DIMENSION))
        norms = np.clip(rng.normal(19.5, 1.3, size=(n, 1)), 16.0, 24.0)
        return on_grid(vectors * (norms / np.linalg.norm(vectors, axis=1, keepdims=True)))
