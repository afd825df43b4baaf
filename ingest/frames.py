"""Frame vectors: their mean, and their rows in blocks of bounded size."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from e2vdb.ingest.files import FileSystem
from e2vdb.ingest.npy import Floats, Header, read_blocks
from e2vdb.ingest.rejects import Unusable
from e2vdb.ingest.results import NO_SCORES, FrameResult
from e2vdb.ingest.schema import SECONDS_PER_FRAME, frames_schema

LARGEST_HALF = 65504.0
_NOTHING = FrameResult(None, None, NO_SCORES)


class Digest(Protocol):
    """A running hash, so that reading and hashing are one pass."""

    def update(self, data: bytes, /) -> None:
        """Take in more bytes."""
        ...


class FrameSource(NamedTuple):
    """Frames still to be read into rows: where they are and the vector they belong to."""

    utterance_id: str
    path: str
    header: Header
    embedding: Floats
    results: tuple[FrameResult, ...]


def mean_frame(files: FileSystem, path: str, header: Header, digest: Digest) -> Floats:
    """Return the mean of all frames, shape (D,), and feed the file's bytes to `digest`.

    Raises `Unusable` with `not_finite` for a value that half precision cannot hold.
    """
    total = np.zeros(header.columns, np.float64)
    start = 0
    for data, block in read_blocks(files, path, header):
        largest = np.abs(block).max(axis=1)
        if not (largest <= LARGEST_HALF).all():
            frame = start + int(np.argmin(largest <= LARGEST_HALF))
            raise Unusable("not_finite", path, f"frame {frame} has NaN, infinity or a huge value")
        total += block.sum(axis=0, dtype=np.float64)
        digest.update(data)
        start += len(block)
    return (total / header.rows).astype(np.float32)


def frame_rows(files: FileSystem, source: FrameSource) -> Iterator[pa.RecordBatch]:
    """Yield the rows of one recording's frames; memory is one block, whatever the length."""
    schema = frames_schema(source.header.columns)
    results = _results_by_frame(source.results, source.header.rows)
    start = 0
    for _, block in read_blocks(files, source.path, source.header):
        index = np.arange(start, start + len(block), dtype=np.int32)
        said = [results.get(frame, _NOTHING) for frame in range(start, start + len(block))]
        yield pa.record_batch(
            [
                pa.array([source.utterance_id]).take(pa.array(np.zeros(len(block), np.int32))),
                pa.array(index),
                pa.array(index * SECONDS_PER_FRAME),
                pa.FixedSizeListArray.from_arrays(
                    pa.array(block.astype(np.float16).ravel()), source.header.columns
                ),
                pa.array(_cosine_distance(block, source.embedding)),
                pa.array([one.emotion for one in said], pa.string()),
                *[
                    pa.array(column, pa.float32())
                    for column in zip(*[one.scores for one in said], strict=True)
                ],
            ],
            schema=schema,
        )
        start += len(block)


def _cosine_distance(block: Floats, embedding: Floats) -> Floats:
    """Return 1 - cosine similarity of each row to the utterance's vector; 1 for a zero row."""
    lengths = np.linalg.norm(block, axis=1) * np.linalg.norm(embedding)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = (block @ embedding) / lengths
    return np.where(lengths > 0, np.clip(1 - cosine, 0, 2), 1).astype(np.float32)


def _results_by_frame(results: tuple[FrameResult, ...], rows: int) -> dict[int, FrameResult]:
    """Lay per-frame results beside the frames: one each, or by the second they name."""
    one_each = len(results) == rows
    found: dict[int, FrameResult] = {}
    for order, result in enumerate(results):
        if one_each or result.start_s is None:
            found[order] = result
        elif 0 <= result.start_s < rows * SECONDS_PER_FRAME:
            found[round(result.start_s / SECONDS_PER_FRAME)] = result
    return found
