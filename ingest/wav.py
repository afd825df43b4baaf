"""Duration and sample rate from the header of processed_audio.wav."""

import struct
from typing import NamedTuple


class Audio(NamedTuple):
    """Length in seconds and samples a second; None where the header does not say."""

    duration_s: float | None
    sample_rate: int | None


UNKNOWN = Audio(None, None)
HIGHEST_RATE = 2**31 - 1


def read_audio(head: bytes, size: int) -> Audio:
    """Return what the first bytes of a RIFF file of `size` bytes say; never raises.

    A broken sound file is no reason to lose the vector beside it.
    """
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return UNKNOWN
    rate = bytes_a_second = 0
    at = 12
    while at + 8 <= len(head):
        name, length = head[at : at + 4], struct.unpack_from("<I", head, at + 4)[0]
        if name == b"fmt " and at + 20 <= len(head):
            rate, bytes_a_second = struct.unpack_from("<II", head, at + 12)
            rate = rate if rate <= HIGHEST_RATE else 0
        if name == b"data" and bytes_a_second:
            # A stream's header carries 0 or the largest number; the file's size is the truth.
            there = max(size - at - 8, 0)
            return Audio(min(length or there, there) / bytes_a_second, rate or None)
        at += 8 + length + (length & 1)
    return Audio(None, rate or None)
