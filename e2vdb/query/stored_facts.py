"""What of a database's health SQL cannot see: the range of values, the state of indexes."""

from typing import NamedTuple

import lance
import numpy as np
import pyarrow as pa

from e2vdb.distill.distiller import matrix
from e2vdb.query.snapshot import Snapshot

_BLOCKS, _BLOCK_ROWS = 16, 128


class Fact(NamedTuple):
    """One measured figure by name."""

    name: str
    value: float


def stored_facts(snapshot: Snapshot) -> list[Fact]:
    """Return the largest absolute values in a sample, and indexed and waiting rows, if indexed."""
    utterances = snapshot["utterances"]
    facts = [Fact("rows", float(utterances.count_rows()))]
    sample = _sample(utterances)
    if len(sample):
        largest = np.abs(sample).max(axis=1)
        facts.append(Fact("sampled", float(len(sample))))
        facts.append(Fact("largest_value", float(largest.max())))
        facts.append(Fact("usual_largest_value", float(np.quantile(largest, 0.999))))
    for index in utterances.describe_indices():
        waiting = utterances.stats.index_stats(index.name).get("num_unindexed_rows", 0)
        facts.append(Fact(f"index {index.name}", float(waiting)))
    return facts


def _sample(utterances: lance.LanceDataset) -> np.ndarray:
    """Return some embeddings in evenly spaced blocks, for scattered reads are slow."""
    total = utterances.count_rows()
    size = _BLOCKS * _BLOCK_ROWS
    starts = [0] if total <= size else [i * (total - _BLOCK_ROWS) // 15 for i in range(_BLOCKS)]
    limit = size if total <= size else _BLOCK_ROWS
    parts: list[pa.Array] = []
    for start in starts:
        rows = utterances.to_table(columns=["embedding"], offset=start, limit=limit)
        parts += rows["embedding"].chunks
    found = [matrix(part) for part in parts if len(part)]
    return np.concatenate(found) if found else np.empty((0, 0), np.float32)
