"""Dropping the full vectors of frames that are to be kept distilled only."""

from collections.abc import Collection, Iterator

import lance
import pyarrow as pa
import pyarrow.compute as pc

from e2vdb.store.store import Store, storage_errors
from e2vdb.store.tables import FRAMES


def drop_frame_embeddings(store: Store, utterance_ids: Collection[str]) -> None:
    """Set `frames.embedding` of these utterances to NULL, in one commit, a block at a time.

    Needed once: when `--frames distilled` meets a database whose first distiller was fitted
    only after the frames had come in.
    """
    if not utterance_ids:
        return
    dataset = store.dataset(FRAMES)
    wanted = pa.array(utterance_ids, pa.string())
    index = dataset.schema.get_field_index("embedding")

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in dataset.scanner(batch_size=4096).to_batches():
            drop = pc.is_in(batch.column("utterance_id"), value_set=wanted)
            column = batch.column(index)
            kept = pc.if_else(drop, pa.scalar(None, pa.int64()), pa.array(range(len(batch))))
            yield batch.set_column(index, dataset.schema.field(index), column.take(kept))

    with storage_errors(store.address):
        lance.write_dataset(
            pa.RecordBatchReader.from_batches(dataset.schema, batches()),
            dataset.uri,
            mode="overwrite",
            storage_options=dict(store.address.storage_options) or None,
            commit_message="frames kept distilled only",
        )
