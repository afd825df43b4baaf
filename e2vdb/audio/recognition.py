"""One recording in, what was recognised out, nothing written anywhere."""

import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from e2vdb.audio.channels import CHOICES, MONO, channels_to_hear
from e2vdb.audio.decode import open_recording
from e2vdb.audio.extra import check_installed
from e2vdb.audio.listen import Heard, listen
from e2vdb.audio.models import DEFAULT_MODEL
from e2vdb.audio.quality import Quality
from e2vdb.audio.recogniser import Recogniser, recogniser
from e2vdb.audio.rejects import BadRecording
from e2vdb.audio.windows import OVERLAP_S, WINDOW_S
from e2vdb.errors import StorageError, UsageError
from e2vdb.ingest.labels import EMOTIONS
from e2vdb.ingest.layouts import AUDIO

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a recording sounds like.

    `embedding` (D,) is the mean of all frames' vectors; `frames` (N, D) are those vectors, 20 ms
    apart, where they were asked for. `scores` names all nine emotions; it is empty and `emotion`
    None for a model without a classifier. Times are in seconds.
    """

    embedding: Floats
    scores: dict[str, float]
    emotion: str | None
    quality: Quality
    duration_s: float
    n_frames: int
    sample_rate_original: int
    channel: str
    model: str
    model_revision: str
    frames: Floats | None = None


def recognise(
    path: str | os.PathLike[str],
    model: str = DEFAULT_MODEL,
    *,
    channel: str = MONO,
    frames: bool = False,
    device: str = "cpu",
    window_s: float = WINDOW_S,
    overlap_s: float = OVERLAP_S,
) -> Recognition:
    """Return what a recording sounds like: wav, flac, ogg, mp3, m4a and what else PyAV decodes.

    `channel` is mono (a mix), left or right. The model is loaded once a process. Raises
    `BadRecording` for a recording that cannot be heard, `UsageError` and `InputError` else.
    """
    check_installed()
    if channel not in CHOICES or channel == "split":
        raise UsageError(f"channel must be mono, left or right, not {channel!r}.")
    file = Path(path).expanduser()
    with open_recording(file) as source:
        (chosen,) = channels_to_hear(file, channel, source.channels)
    loaded = recogniser(model, device)
    with TemporaryDirectory(prefix="e2vdb-") as folder:
        try:
            heard = listen(file, chosen, Path(folder) / AUDIO)
        except OSError as error:
            raise StorageError(f"{folder} cannot be written: {error.strerror or error}.") from error
        total = Mean(loaded.dimension)
        kept = []
        for block in loaded.frames(heard, window_s, overlap_s):
            total.add(block)
            if frames:
                kept.append(block)
    return recognition(loaded, heard, chosen, total, np.concatenate(kept) if frames else None)


class Mean:
    """The mean of frames that come in blocks, in double precision."""

    def __init__(self, dimension: int) -> None:
        self._sum = np.zeros(dimension, np.float64)
        self.count = 0

    def add(self, block: Floats) -> None:
        """Take in the next frames (n, D)."""
        self._sum += block.sum(axis=0, dtype=np.float64)
        self.count += len(block)

    def value(self) -> Floats:
        """Return the mean (D,), float32."""
        return (self._sum / self.count).astype(np.float32)


def recognition(
    loaded: Recogniser, heard: Heard, channel: str, mean: Mean, frames: Floats | None = None
) -> Recognition:
    """Put together what one channel of a recording gave."""
    embedding = mean.value()
    if not np.isfinite(embedding).all():
        raise BadRecording(heard.pcm, "unreadable_audio", "the model gave NaN for it")
    scores: dict[str, float] = {}
    if loaded.head is not None:
        values = loaded.head.scores(embedding[None, :])[0]
        scores = dict(zip(EMOTIONS, map(float, values), strict=True))
    return Recognition(
        embedding,
        scores,
        max(scores, key=scores.__getitem__) if scores else None,
        heard.quality,
        heard.duration_s,
        mean.count,
        heard.sample_rate_original,
        channel,
        loaded.name,
        loaded.revision,
        frames,
    )
