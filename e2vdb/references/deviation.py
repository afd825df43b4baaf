"""Where a call differs from a reference set: by dimension, by band, by frame.

With u the call's unit vector and m the mean of the set's unit vectors, the call's similarity is
u·m and the set's own mean similarity m·m. Their gap is m·(m - u), so dimension d contributes
m_d (m_d - u_d): above zero it takes similarity away, below zero it adds some. The bands are sums
of the same terms.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import lance
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from e2vdb.bands import DIMENSION, band_sums
from e2vdb.errors import UsageError
from e2vdb.references.profile import Profile
from e2vdb.store.vectors import BLOCK_ROWS, Doubles, matrix, unit_rows


@dataclass(frozen=True, slots=True)
class Contribution:
    """One row of `why_deviates`: a kind (dimension, band or frame), its key, and how much."""

    kind: str
    key: str
    contribution: float


def why_deviates(
    utterances: lance.LanceDataset,
    frames: lance.LanceDataset,
    utterance_id: str,
    profile: Profile,
    top: int,
) -> list[Contribution]:
    """Return the `top` dimensions by size and the rest, the four bands, and the `top` frames.

    A frame's contribution is its mean cosine to the set minus the call's: the lowest sound
    least like the set. Raises `UsageError` for an unknown id or one without an embedding.
    """
    unit = _unit(utterances, utterance_id)
    contributions = profile.mean * (profile.mean - unit)
    rows = [*_dimensions(contributions, top)]
    if len(unit) == DIMENSION:
        rows += [Contribution("band", key, one) for key, one in band_sums(contributions).items()]
    return [*rows, *_frames(frames, utterance_id, profile, float(unit @ profile.mean), top)]


def _unit(utterances: lance.LanceDataset, utterance_id: str) -> Doubles:
    ids = utterances.to_table(columns=["utterance_id"])["utterance_id"]
    place = pc.index(ids, pa.scalar(utterance_id)).as_py()
    if place < 0:
        raise UsageError(f"There is no utterance {utterance_id!r}.")
    column = utterances.take([place], columns=["embedding"])["embedding"].combine_chunks()
    if column.null_count:
        raise UsageError(f"The utterance {utterance_id!r} has no embedding.")
    vector = matrix(column)[0].astype(np.float64)
    unit: Doubles = vector / np.linalg.norm(vector)
    return unit


def _dimensions(contributions: Doubles, top: int) -> Iterator[Contribution]:
    order = np.argsort(-np.abs(contributions), kind="stable")
    for dimension in order[:top]:
        yield Contribution("dimension", str(dimension), float(contributions[dimension]))
    yield Contribution("dimension", "rest", float(contributions[order[top:]].sum()))


def _frames(
    frames: lance.LanceDataset, utterance_id: str, profile: Profile, similarity: float, top: int
) -> list[Contribution]:
    starts: list[NDArray[Any]] = [np.zeros(0)]
    values: list[NDArray[Any]] = [np.zeros(0)]
    mean = profile.mean.astype(np.float32)
    for start_s, embeddings in _frame_blocks(frames, utterance_id):
        starts.append(start_s)
        values.append(unit_rows(embeddings) @ mean - similarity)
    start, value = np.concatenate(starts), np.concatenate(values)
    lowest = np.lexsort((start, value))[:top]
    return [Contribution("frame", f"{start[row]:.2f}", float(value[row])) for row in lowest]


def _frame_blocks(
    frames: lance.LanceDataset, utterance_id: str
) -> Iterator[tuple[Doubles, Doubles]]:
    """Yield start times (n,) and embeddings (n, D) of a call's frames; silent zeros left out."""
    quoted = utterance_id.replace("'", "''")
    scanner = frames.scanner(
        columns=["start_s", "embedding"],
        filter=f"utterance_id = '{quoted}'",  # naming embedding would read everybody's
        batch_size=BLOCK_ROWS,
    )
    for whole in scanner.to_batches():
        batch = whole.filter(whole.column("embedding").is_valid())
        vectors = matrix(batch.column("embedding")).astype(np.float64)
        heard = vectors.any(axis=1)
        yield batch.column("start_s").to_numpy()[heard], vectors[heard]
