"""Dropping the full vectors of frames that are to be kept distilled only."""

from collections.abc import Iterator

import lance
import pyarrow as pa
import pyarrow.compute as pc

from e2vdb.store.commits import commit, find, stage
from e2vdb.store.store import Store
from e2vdb.store.tables import FRAMES, UTTERANCES

_BATCH = 4096


def drop_frame_embeddings(store: Store, folder: str) -> None:
    """Set `frames.embedding` to NULL for utterances from below a folder, in one commit.

    Needed where `--frames distilled` met a database without a distiller: the frames were kept
    in full until there was one. A table that is as it should be is left alone.
    """
    dataset = store.dataset(FRAMES)
    if not dataset.count_rows():
        return
    wanted = _kept_in_full(store, dataset, folder)
    if not len(wanted):
        return
    staged = stage(store.address, FRAMES, _without_embeddings(dataset, wanted), dataset.schema)
    gone = find(dataset, ["utterance_id"], wanted.to_pylist())
    commit(store, FRAMES, staged, gone, "frames kept distilled only")


def _kept_in_full(store: Store, dataset: lance.LanceDataset, folder: str) -> pa.Array:
    """Return the ids of utterances from below a folder that have full frame vectors."""
    full = dataset.to_table(columns=["utterance_id"], filter="embedding IS NOT NULL")
    ids = pc.unique(full["utterance_id"])
    if not len(ids):
        return ids
    rows = store.dataset(UTTERANCES).to_table(columns=["utterance_id", "source_dir"])
    homes = rows["source_dir"]
    inside = pc.or_(pc.equal(homes, folder), pc.starts_with(homes, folder.rstrip("/") + "/"))
    here = rows["utterance_id"].filter(inside).combine_chunks()
    return ids.filter(pc.is_in(ids, value_set=here))


def _without_embeddings(dataset: lance.LanceDataset, wanted: pa.Array) -> pa.RecordBatchReader:
    schema = dataset.schema
    index = schema.get_field_index("embedding")
    others = [name for name in schema.names if name != "embedding"]

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in dataset.scanner(columns=others, batch_size=_BATCH).to_batches():
            rows = batch.filter(pc.is_in(batch.column("utterance_id"), value_set=wanted))
            columns = list(rows.columns)
            columns.insert(index, pa.nulls(rows.num_rows, schema.field(index).type))
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())
