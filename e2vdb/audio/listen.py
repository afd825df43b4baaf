"""The first pass over a recording: 16 kHz PCM onto the disk, and everything measured of it."""

import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from e2vdb.audio.channels import pick
from e2vdb.audio.decode import Samples, open_recording
from e2vdb.audio.quality import CLIPPED_AT, Quality, rate_quality
from e2vdb.audio.rejects import BadRecording
from e2vdb.audio.resample import RATE, resampled
from e2vdb.audio.spectrum import Spectrum
from e2vdb.audio.speech import SpeechDetector
from e2vdb.audio.windows import FIELD

SILENT_BELOW = 0.0005
"""Half the distance between the lowest and the highest sample of a silent recording: -66 dBFS."""

FULL_SCALE = 32768.0


@dataclass(frozen=True, slots=True)
class Heard:
    """One channel of one recording, as `pcm` holds it: 16 kHz, mono, 16 bit.

    `mean` and `variance` are of all its samples; `speech` is the probability of speech in each
    32 ms, (n,).
    """

    pcm: Path
    samples: int
    sample_rate_original: int
    mean: float
    variance: float
    speech: NDArray[np.float32]
    quality: Quality

    @property
    def duration_s(self) -> float:
        """The length in seconds."""
        return self.samples / RATE


def listen(path: Path, channel: str, pcm: Path) -> Heard:
    """Decode a channel of a recording into the file `pcm` and measure it, in bounded memory.

    Raises `BadRecording` for what cannot be heard, `OSError` where `pcm` cannot be written.
    """
    with open_recording(path) as source, wave.open(str(pcm), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        ears = _Ears(path, source.sample_rate)
        sound = ears.taken_in(pick(block, channel) for block in source.blocks())
        for block in resampled(sound, source.sample_rate):
            out.writeframesraw(ears.heard(block).astype("<i2").tobytes())
    return ears.finish(pcm)


class _Ears:
    """Sums and detectors that a recording's blocks pass through."""

    def __init__(self, path: Path, sample_rate: int) -> None:
        self._path, self._rate = path, sample_rate
        self._spectrum, self._detector = Spectrum(sample_rate), SpeechDetector()
        self._sum = self._squares = 0.0
        self._lowest, self._highest = np.inf, -np.inf
        self._taken_in = self._clipped = 0
        self.samples = 0

    def taken_in(self, blocks: Iterator[Samples]) -> Iterator[Samples]:
        """Pass blocks of the recording's own rate on, having looked at them."""
        for block in blocks:
            if not np.isfinite(block).all():
                detail = f"NaN or infinity after {self._taken_in / self._rate:.2f} s"
                raise BadRecording(self._path, "unreadable_audio", detail)
            self._spectrum.add(block)
            self._clipped += int((np.abs(block) >= CLIPPED_AT).sum())
            self._taken_in += len(block)
            yield block

    def heard(self, block: Samples) -> NDArray[np.int16]:
        """Return a block at 16 kHz as PCM, having measured exactly what the PCM says."""
        scaled = np.clip(np.rint(block * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1)
        pcm: NDArray[np.int16] = scaled.astype(np.int16)
        if len(pcm):
            samples = pcm.astype(np.float32) / np.float32(FULL_SCALE)
            self._detector.add(samples)
            self._sum += float(samples.sum(dtype=np.float64))
            self._squares += float(np.square(samples, dtype=np.float64).sum())
            self._lowest = min(self._lowest, float(samples.min()))
            self._highest = max(self._highest, float(samples.max()))
            self.samples += len(pcm)
        return pcm

    def finish(self, pcm: Path) -> Heard:
        """Return what was heard. Raises `BadRecording` where it is too short or silent."""
        if self.samples < FIELD:
            detail = f"it lasts {1000 * self.samples / RATE:.1f} ms, a frame takes 25 ms"
            raise BadRecording(self._path, "too_short", detail)
        if (self._highest - self._lowest) / 2 < SILENT_BELOW:
            raise BadRecording(self._path, "silent", "no sample is louder than -66 dBFS")
        speech, power = self._detector.finish()
        clipped = self._clipped / max(1, self._taken_in)
        mean = self._sum / self.samples
        return Heard(
            pcm,
            self.samples,
            self._rate,
            mean,
            max(0.0, self._squares / self.samples - mean * mean),
            speech,
            rate_quality(speech, power, clipped, self._spectrum.bandwidth_hz()),
        )
