"""Calls with frame embeddings and an outburst of anger at a known second."""

import io
import wave
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from e2vdb.demo.calls import Call
from e2vdb.demo.scenario import ANGER_KINDS
from e2vdb.demo.voices import CONTENT, DIMENSION, Embeddings, Floats, VoiceModel, on_grid

FRAME_CALLS = 8
SAMPLE_RATE = 16_000
HOP, WINDOW = 320, 400
FRAME_S = HOP / SAMPLE_RATE
OUTBURST_FRAMES = 75
LOUDNESS = 1.2
"""Brings frames, and so their mean, to the norm that the other embeddings have."""
OUTBURST_S = OUTBURST_FRAMES * FRAME_S


@dataclass(frozen=True, slots=True)
class Recording:
    """The audio of a frame call: its length, and where and how the anger breaks out."""

    samples: int
    outburst_frame: int
    anger_kind: str

    @property
    def n_frames(self) -> int:
        """Return how many whole 25 ms windows, 20 ms apart, fit into the audio."""
        return (self.samples - WINDOW) // HOP + 1

    @property
    def outburst_s(self) -> float:
        """Return the second at which the outburst begins."""
        return round(self.outburst_frame * FRAME_S, 2)


def plan_recordings(calls: Sequence[Call], seed: int) -> dict[str, Recording]:
    """Choose calm calls spread over the plan and return their recordings by directory name."""
    rng = np.random.default_rng([seed, 3])
    calm = [call for call in calls if call.emotion == "neutral" and not call.leaning]
    chosen = np.linspace(0, len(calm) - 1, min(FRAME_CALLS, len(calm))).round().astype(int)
    return {calm[i].name: _draw_recording(n, rng) for n, i in enumerate(chosen)}


def _draw_recording(number: int, rng: np.random.Generator) -> Recording:
    samples = int(rng.integers(20 * SAMPLE_RATE, 40 * SAMPLE_RATE))
    latest = samples // HOP - 4 * OUTBURST_FRAMES
    start = int(rng.integers(3 * OUTBURST_FRAMES, latest))
    return Recording(samples, start, ANGER_KINDS[number % len(ANGER_KINDS)])


def frame_embeddings(
    call: Call, recording: Recording, model: VoiceModel, rng: np.random.Generator
) -> Embeddings:
    """Return (n_frames, 1024): slowly varying calm speech, anger during the outburst."""
    n = recording.n_frames
    frames = model.centre(call) + CONTENT * model.content(1, rng) + 2.5 * _wander(n, model, rng)
    start = recording.outburst_frame
    shift = model.anger(recording.anger_kind) - model.emotion(call.emotion)
    frames[start : start + OUTBURST_FRAMES] += 1.2 * shift
    frames += rng.standard_normal((n, DIMENSION)) * (2.5 / np.sqrt(DIMENSION))
    return on_grid(LOUDNESS * frames)


def _wander(n: int, model: VoiceModel, rng: np.random.Generator) -> Floats:
    """Return content that is drawn anew every half second and interpolated between, (n, 1024)."""
    step = 25
    knots = model.content(n // step + 2, rng)
    at, part = np.divmod(np.arange(n), step)
    part = (part / step)[:, None]
    wandering: Floats = (1 - part) * knots[at] + part * knots[at + 1]
    return wandering


def utterance_embedding(frames: Embeddings) -> Embeddings:
    """Return the frames' mean, (1, 1024), added up in float64 and rounded once."""
    mean: Floats = frames.mean(axis=0, dtype=np.float64, keepdims=True)
    return mean.astype(np.float32)


def wav_bytes(recording: Recording, rng: np.random.Generator) -> bytes:
    """Return 16 kHz mono PCM of the recording's true length: faint noise, louder in the burst."""
    loudness = np.full(recording.samples, 60.0)
    start = recording.outburst_frame * HOP
    loudness[start : start + OUTBURST_FRAMES * HOP] = 400.0
    audio = (rng.uniform(-1, 1, recording.samples) * loudness).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as wav:
        wav.setparams((1, 2, SAMPLE_RATE, recording.samples, "NONE", "not compressed"))
        wav.writeframes(audio.tobytes())
    return buffer.getvalue()
