"""Importing a head: storing it, and giving every stored frame its emotion and scores."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import lance
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from e2vdb.head.file import read_head_file
from e2vdb.head.head import Head, read_heads, to_row
from e2vdb.ingest.labels import EMOTIONS
from e2vdb.store.commits import commit, stage
from e2vdb.store.store import Store, storage_errors
from e2vdb.store.tables import FRAMES, HEADS_TABLE

COLUMNS = ("emotion", *EMOTIONS)
_BATCH = 4096
_SAME = 1e-4


@dataclass(frozen=True, slots=True)
class HeadSummary:
    """Which head is in force now, and how many frames it scored."""

    head_id: int
    source: str
    frames: int


def import_head(store: Store, path: str | os.PathLike[str]) -> HeadSummary:
    """Store the head of a file and apply it to all frames.

    A run cut short is completed by importing the file again.
    """
    return put_head(store, read_head_file(path, store.dimension))


def put_head(store: Store, head: Head) -> HeadSummary:
    """Store a head as the newest and apply it to all frames."""
    former = read_heads(store.dataset(HEADS_TABLE))
    head = replace(head, head_id=max((one.head_id for one in former), default=0) + 1)
    row = to_row(head)
    staged = stage(store.address, HEADS_TABLE, row, row.schema)
    commit(store, HEADS_TABLE, staged, {}, f"head {head.head_id}: {head.source}")
    return HeadSummary(head.head_id, head.source, fill_frames(store, head, former))


def fill_frames(store: Store, head: Head, former: Sequence[Head] = ()) -> int:
    """Give frames a head's emotion and scores in one commit; embeddings are not rewritten.

    What an output directory said of its frames stays; what a former head said is replaced.
    """
    dataset = store.dataset(FRAMES)
    if not dataset.count_rows():
        return 0
    fragments, fields, filled = [], set[int](), 0
    with storage_errors(store.address):
        for fragment in dataset.get_fragments():
            rows, count = _scored(fragment, head, former)
            if count:
                updated, modified = fragment.update_columns(rows)
                fragments.append(updated)
                fields.update(modified)
                filled += count
        if fragments:
            lance.LanceDataset.commit(
                dataset.uri,
                lance.LanceOperation.Update(
                    updated_fragments=fragments, fields_modified=sorted(fields)
                ),
                read_version=dataset.version,
                storage_options=dict(store.address.storage_options) or None,
                commit_message=f"frames scored by head {head.head_id}",
            )
    return filled


def _scored(
    fragment: lance.LanceFragment, head: Head, former: Sequence[Head]
) -> tuple[pa.Table, int]:
    """Return a fragment's new score columns by row id, and how many rows the head filled."""
    batches, count = [], 0
    scanner = fragment.scanner(columns=["embedding", *COLUMNS], with_row_id=True, batch_size=_BATCH)
    for batch in scanner.to_batches():
        columns, filled = score_batch(batch, head, former)
        names = ["_rowid", *COLUMNS]
        batches.append(pa.record_batch([batch.column("_rowid"), *columns], names=names))
        count += filled
    return pa.Table.from_batches(batches), count


def score_batch(
    batch: pa.RecordBatch, head: Head, former: Sequence[Head] = ()
) -> tuple[list[pa.Array], int]:
    """Return `emotion` and scores for a batch of frames, and how many rows the head filled."""
    embeddings = batch.column("embedding")
    stored = [batch.column(name) for name in COLUMNS]
    replaceable = pc.is_null(stored[0])
    for one in former:
        replaceable = pc.or_(replaceable, _said_by(one, embeddings, stored[1:]))
    replaceable = pc.and_(replaceable, pc.is_valid(embeddings))
    new = head.columns(embeddings)
    filled = [pc.if_else(replaceable, *pair) for pair in zip(new, stored, strict=True)]
    return filled, pc.sum(replaceable).as_py() or 0


def _said_by(former: Head, embeddings: pa.Array, scores: list[pa.Array]) -> pa.Array:
    """Tell which rows carry exactly what a former head says of them."""
    same = np.ones(len(embeddings), bool)
    for said, one in zip(former.columns(embeddings)[1:], scores, strict=True):
        difference = pc.abs(pc.subtract(said, one))
        same &= pc.fill_null(pc.less(difference, _SAME), False).to_numpy(zero_copy_only=False)
    return pa.array(same)
