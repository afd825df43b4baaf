"""Cutting a long call into windows of frames, at pauses, so that memory stays bounded."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from e2vdb.audio.resample import RATE
from e2vdb.audio.speech import CHUNK_S
from e2vdb.errors import UsageError

HOP = 320
"""Samples from one frame to the next: 20 ms."""
FIELD = 400
"""Samples that one frame hears: 25 ms."""
FRAMES_A_SECOND = RATE // HOP
SEARCHED = 0.25
"""Part of a window, at its end, in which the quietest moment becomes the cut."""

WINDOW_S, OVERLAP_S = 20.0, 2.0


class Window(NamedTuple):
    """Frames `first` to `last` are heard together; `kept_from` to `kept_to` of them count."""

    first: int
    last: int
    kept_from: int
    kept_to: int


def frame_count(samples: int) -> int:
    """Return how many frames the model makes of this many samples at 16 kHz."""
    return max(0, (samples - FIELD) // HOP + 1)


def check_windows(window_s: float, overlap_s: float) -> None:
    """Raise `UsageError` unless windows of this length and overlap can be cut."""
    if not window_s >= 1:
        raise UsageError(f"window must be at least 1 second, not {window_s:g}.")
    if not 0 <= overlap_s <= window_s / 2:
        raise UsageError(
            f"overlap must lie between 0 and half of the window ({window_s / 2:g} s), "
            f"not {overlap_s:g}."
        )


def plan_windows(
    frames: int,
    speech: NDArray[np.float32],
    window_s: float = WINDOW_S,
    overlap_s: float = OVERLAP_S,
) -> list[Window]:
    """Return windows whose kept parts cover every frame exactly once, in order.

    `speech` is the probability of speech in each 32 ms. Neighbours overlap by `overlap_s`,
    half of it context on either side of the cut that is heard and thrown away.
    """
    check_windows(window_s, overlap_s)
    length = int(window_s * FRAMES_A_SECOND)
    context = int(overlap_s * FRAMES_A_SECOND) // 2
    windows: list[Window] = []
    start = 0
    while True:
        first = max(0, start - context)
        if frames - first <= length:
            windows.append(Window(first, frames, start, frames))
            return windows
        latest = first + length - context
        earliest = max(start + 1, latest - int(SEARCHED * length))
        cut = _quietest(speech, earliest, latest)
        windows.append(Window(first, cut + context, start, cut))
        start = cut


def _quietest(speech: NDArray[np.float32], earliest: int, latest: int) -> int:
    """Return the frame between two others around which there is the least speech."""
    frames = np.arange(earliest, latest + 1)
    chunks = (frames / FRAMES_A_SECOND / CHUNK_S).astype(np.int64)
    inside = speech[np.minimum(chunks, len(speech) - 1)].astype(np.float64)
    # Averaged over 0.4 s, the lowest value lies within the pause rather than at its edge.
    width = min(2 * (FRAMES_A_SECOND // 5) + 1, len(inside) | 1)
    padded = np.pad(inside, width // 2, mode="edge")
    smooth = np.convolve(padded, np.ones(width) / width, mode="valid")[: len(frames)]
    quiet = np.flatnonzero(smooth <= smooth.min() + 1e-3)
    return int(frames[quiet[-1]])
