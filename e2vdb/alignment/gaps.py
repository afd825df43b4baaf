"""How well each call's voice fits its text, in bounded memory."""

from collections.abc import Iterator

import lance
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from e2vdb.alignment.fit import cosines
from e2vdb.alignment.maps import LinearMap
from e2vdb.store.vectors import Floats, embedding_blocks

_TEXT_BYTES = 1 << 28
"""Text vectors held at once; for more, the voices are read once for each such part."""

GAPS = pa.schema([("utterance_id", pa.string()), ("similarity", pa.float64())])


def alignment_gaps(
    texts: lance.LanceDataset, utterances: lance.LanceDataset, name: str, map_: LinearMap
) -> pa.Table:
    """Return the cosine of mapped voice and text for each call that has both, lowest first."""
    parts = [GAPS.empty_table()]
    for known, vectors in _text_parts(texts, name, map_.width):
        for ids, voices in embedding_blocks(utterances):
            places = pc.index_in(ids, value_set=known)
            there = places.is_valid()
            if not there.true_count:
                continue
            mapped = map_.apply(voices[there.to_numpy(zero_copy_only=False)])
            similarity = cosines(mapped, vectors[places.drop_null().to_numpy()])
            columns = [ids.filter(there), pa.array(similarity)]
            parts.append(pa.table(columns, schema=GAPS))
    order = [("similarity", "ascending"), ("utterance_id", "ascending")]
    return pa.concat_tables(parts).sort_by(order)


def _text_parts(
    texts: lance.LanceDataset, name: str, width: int
) -> Iterator[tuple[pa.Array, Floats]]:
    """Yield ids and text vectors (n, m) of an alignment; those of another width are left out."""
    quoted = name.replace("'", "''")
    scanner = texts.scanner(columns=["utterance_id", "vector"], filter=f"name = '{quoted}'")
    batches, held = [], 0
    for batch in scanner.to_batches():
        fits = pc.equal(pc.list_value_length(batch.column("vector")), width)
        batches.append(batch.filter(fits))
        held += batches[-1].num_rows * width * 4
        if held >= _TEXT_BYTES:
            yield _joined(batches, width)
            batches, held = [], 0
    if held:
        yield _joined(batches, width)


def _joined(batches: list[pa.RecordBatch], width: int) -> tuple[pa.Array, Floats]:
    rows = pa.Table.from_batches(batches).combine_chunks()
    values = rows["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    vectors: Floats = np.asarray(values, np.float32).reshape(-1, width)
    return rows["utterance_id"].combine_chunks(), vectors
