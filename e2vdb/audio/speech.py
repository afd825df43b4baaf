"""Where there is speech: Silero's voice activity detector, its model in the wheel, streaming.

Chosen over WebRTC's because it does not take hold tones and line noise for speech, and over
ONNX builds of itself because it runs on the torch that FunASR needs anyway.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from e2vdb.audio.decode import Samples
from e2vdb.audio.resample import RATE

CHUNK = 512
CHUNK_S = CHUNK / RATE
IS_SPEECH = 0.5
"""Probability from which a chunk of 32 ms counts as speech."""


@cache
def _detector() -> Any:
    import torch

    threads = torch.get_num_threads()
    from silero_vad import load_silero_vad  # sets torch to one thread, for the whole process

    torch.set_num_threads(threads)
    return load_silero_vad()


class SpeechDetector:
    """Gives every 32 ms of one recording its probability of speech and its power."""

    def __init__(self) -> None:
        self._model = _detector()
        self._model.reset_states()
        self._rest: Samples = np.zeros(0, np.float32)
        self._speech: list[float] = []
        self._power: list[NDArray[np.float64]] = []

    def add(self, block: Samples) -> None:
        """Take in the next samples (n,) at 16 kHz."""
        samples = np.concatenate([self._rest, block])
        whole = len(samples) // CHUNK * CHUNK
        self._rest = samples[whole:]
        if whole:
            self._hear(samples[:whole].reshape(-1, CHUNK))

    def finish(self) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Return the probability and the mean power of each chunk, (n,) both."""
        if len(self._rest):
            self._hear(np.pad(self._rest, (0, CHUNK - len(self._rest)))[None, :])
            self._rest = np.zeros(0, np.float32)
        power = np.concatenate(self._power) if self._power else np.zeros(0)
        return np.array(self._speech, np.float32), power

    def _hear(self, chunks: Samples) -> None:
        import torch

        threads = torch.get_num_threads()
        # For so small a model threads cost more than they do, much more on a busy machine.
        torch.set_num_threads(1)
        try:
            with torch.inference_mode():
                self._speech += [self._model(one, RATE).item() for one in torch.from_numpy(chunks)]
        finally:
            torch.set_num_threads(threads)
        self._power.append(np.square(chunks, dtype=np.float64).mean(axis=1))
