"""Calm calls outside the plan, from which odd and broken directories are made."""

from datetime import datetime, timedelta

import numpy as np

from e2vdb.demo.calls import Call
from e2vdb.demo.directories import json_bytes, result
from e2vdb.demo.scenario import AGENTS, PRODUCTS
from e2vdb.demo.scores import draw_scores
from e2vdb.demo.voices import Embeddings, VoiceModel

BEFORE_OPENING = datetime(2024, 1, 2, 7, 30)


class SpareCalls:
    """An endless supply of calm calls, one each Tuesday to Friday, before opening hours.

    No regular call happens at that hour, so the directory names never meet a regular one's.
    """

    def __init__(self, model: VoiceModel, seed: int, stream: int) -> None:
        """Draw from the model with a random stream of one's own."""
        self._model = model
        self._rng = np.random.default_rng([seed, 5, stream])
        self._taken = 0

    def call(self) -> Call:
        """Return the next calm call; its directory name is unique within the supply."""
        week, weekday = divmod(self._taken, 4)
        at = BEFORE_OPENING + timedelta(days=7 * week + weekday)
        agent = AGENTS[self._taken % len(AGENTS)]
        self._taken += 1
        return Call(at, agent, "customer_00000", PRODUCTS[0], "neutral")

    def embedding(self, call: Call | None = None) -> Embeddings:
        """Return a faultless embedding, (1, 1024)."""
        return self._model.embed([call or self.call()], self._rng)

    def frames(self, call: Call, n: int = 100) -> Embeddings:
        """Return frames of a call, (n, 1024), that scatter about one embedding."""
        frames = self.embedding(call) + self._rng.normal(0, 0.05, (n, 1024))
        return frames.astype(np.float32)

    def fields(self, call: Call | None = None) -> dict[str, object]:
        """Return the content of a faultless result.json."""
        call = call or self.call()
        return result(call, draw_scores([call], self._rng)[0])

    def result(self, call: Call | None = None) -> bytes:
        """Return the bytes of a faultless result.json."""
        return json_bytes(self.fields(call))
