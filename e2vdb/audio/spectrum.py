"""Up to which frequency a recording carries sound, whatever its header promises."""

import numpy as np
from numpy.typing import NDArray

from e2vdb.audio.decode import Samples

WINDOW_S = 0.032
SMOOTH_HZ = 250.0
FLOOR_DB = 55.0
"""How far below the loudest band a frequency still counts: speech keeps within it up to the
end of its channel, while a resampler leaves less than that above the old limit."""


class Spectrum:
    """The mean power spectrum of a recording at its own rate, taken in block by block."""

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._size = max(64, int(sample_rate * WINDOW_S) // 2 * 2)
        self._window = np.hanning(self._size).astype(np.float32)
        self._rest: Samples = np.zeros(0, np.float32)
        self._power = np.zeros(self._size // 2 + 1, np.float64)

    def add(self, block: Samples) -> None:
        """Take in the next samples (n,)."""
        samples = np.concatenate([self._rest, block])
        whole = len(samples) // self._size * self._size
        self._rest = samples[whole:]
        if whole:
            self._add(samples[:whole].reshape(-1, self._size))

    def _add(self, frames: Samples) -> None:
        centred = frames - frames.mean(axis=1, keepdims=True)
        bins = np.fft.rfft(centred * self._window, axis=1)
        self._power += (bins.real**2 + bins.imag**2).sum(axis=0, dtype=np.float64)

    def bandwidth_hz(self) -> float:
        """Return the highest frequency with sound, 0 where there is none at all."""
        power = self._power
        if not power.any() and len(self._rest):
            self._add(np.pad(self._rest, (0, self._size - len(self._rest)))[None, :])
            power = self._power
        hz_a_bin = self._rate / self._size
        smooth = _smoothed(power, max(1, round(SMOOTH_HZ / hz_a_bin)))
        if not smooth.max() > 0:
            return 0.0
        loud = np.flatnonzero(smooth >= smooth.max() * 10 ** (-FLOOR_DB / 10))
        return float(min(loud[-1] * hz_a_bin, self._rate / 2))


def _smoothed(power: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return the geometric mean over neighbouring bins, so that a single hum is no bandwidth."""
    tiny = 1e-30
    logs = np.log(np.pad(power, width // 2, mode="edge")[: len(power) + width - 1] + tiny)
    means: NDArray[np.float64] = np.exp(np.convolve(logs, np.ones(width) / width, mode="valid"))
    return means
