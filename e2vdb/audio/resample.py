"""To 16 kHz, block by block, with soxr's high quality."""

from collections.abc import Iterable, Iterator

import numpy as np

from e2vdb.audio.decode import Samples

RATE = 16_000


def resampled(blocks: Iterable[Samples], sample_rate: int) -> Iterator[Samples]:
    """Yield the same sound at 16 kHz; what has that rate already passes untouched."""
    if sample_rate == RATE:
        yield from blocks
        return
    import soxr

    stream = soxr.ResampleStream(sample_rate, RATE, 1, dtype="float32", quality="HQ")
    for block in blocks:
        yield stream.resample_chunk(np.ascontiguousarray(block))
    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)
