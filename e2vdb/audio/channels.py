"""Which channel of a recording is heard: a mix, one of them, or each by itself."""

from pathlib import Path

import numpy as np

from e2vdb.audio.decode import Samples
from e2vdb.audio.rejects import BadRecording
from e2vdb.errors import UsageError

MONO = "mono"
_SIDES = ("left", "right")
CHOICES = (MONO, *_SIDES, "split")


def channels_to_hear(path: Path, choice: str, channels: int) -> tuple[str, ...]:
    """Return the channels that become utterances: `mono`, `left`, `right`, `channel_3` and so on.

    `mono` mixes all of them; `split` gives one utterance each. A recording of one channel is
    `mono` whatever is asked, but it has no `right`.
    """
    if choice not in CHOICES:
        raise UsageError(f"channel must be one of {', '.join(CHOICES)}, not {choice!r}.")
    if channels == 1:
        if choice == "right":
            raise BadRecording(path, "no_such_channel", "it has one channel only")
        return (MONO,)
    if choice == "split":
        return tuple(_name(number) for number in range(channels))
    return (choice,)


def pick(block: Samples, channel: str) -> Samples:
    """Return one channel (n,) of a block (n, channels)."""
    if channel == MONO and block.shape[1] > 1:
        mixed: Samples = block.mean(axis=1, dtype=np.float32)
        return mixed
    if channel == MONO:
        return block[:, 0]
    return block[:, _number(channel)]


def _name(number: int) -> str:
    return _SIDES[number] if number < len(_SIDES) else f"channel_{number + 1}"


def _number(channel: str) -> int:
    return _SIDES.index(channel) if channel in _SIDES else int(channel.rpartition("_")[2]) - 1
