"""Applying a classifier head, and keeping it as an Arrow row."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import lance
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from e2vdb.ingest.labels import EMOTIONS
from e2vdb.store.analysis_schemas import heads_schema

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Head:
    """A linear layer with softmax: `weight` (9, D) and `bias` (9,), rows as in `EMOTIONS`."""

    head_id: int
    source: str
    weight: Floats
    bias: Floats
    imported_at: datetime

    def scores(self, embeddings: NDArray[Any]) -> Floats:
        """Return the nine scores, (n, 9) float32, each row summing to 1, of embeddings (n, D)."""
        logits = embeddings.astype(np.float32, copy=False) @ self.weight.T + self.bias
        logits -= logits.max(axis=1, keepdims=True)
        powers = np.exp(logits)
        scores: Floats = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
        return scores

    def columns(self, embeddings: pa.FixedSizeListArray) -> list[pa.Array]:
        """Return the column `emotion` and the nine score columns; NULL for a NULL embedding."""
        missing = embeddings.is_null().to_numpy(zero_copy_only=False)
        scores = np.zeros((len(embeddings), len(EMOTIONS)), np.float32)
        if not missing.all():
            values = embeddings.flatten().to_numpy(zero_copy_only=False)
            scores[~missing] = self.scores(values.reshape(-1, embeddings.type.list_size))
        names = pa.array(EMOTIONS).take(pa.array(scores.argmax(axis=1), mask=missing))
        return [names, *(pa.array(scores[:, i], mask=missing) for i in range(len(EMOTIONS)))]


def to_row(head: Head) -> pa.Table:
    """Return the head as one row of the table `heads`."""
    schema = heads_schema(head.weight.shape[1])
    values: list[Any] = [
        head.head_id,
        head.source,
        head.imported_at,
        list(EMOTIONS),
        [list(row) for row in head.weight],
        list(head.bias),
    ]
    arrays = [pa.array([one], field.type) for one, field in zip(values, schema, strict=True)]
    return pa.table(arrays, schema=schema)


def read_heads(heads: lance.LanceDataset) -> list[Head]:
    """Return every head of the table, oldest first."""
    return [
        Head(
            row["head_id"],
            row["source"],
            np.array(row["weight"], np.float32),
            np.array(row["bias"], np.float32),
            row["imported_at"].astimezone(UTC),
        )
        for row in sorted(heads.to_table().to_pylist(), key=lambda row: row["head_id"])
    ]


def read_head(heads: lance.LanceDataset) -> Head | None:
    """Return the newest head of the table, None without one."""
    found = read_heads(heads)
    return found[-1] if found else None
