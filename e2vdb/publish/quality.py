"""Every call against every reference set, in one pass over the embeddings, as a stream."""

from collections.abc import Iterator

import pyarrow as pa

from e2vdb.errors import UsageError
from e2vdb.query.snapshot import Snapshot
from e2vdb.references.profile import Profile, read_profile
from e2vdb.references.quality import PASS, REVIEW, ROWS, quality_blocks

QUALITY_ROWS = pa.schema([pa.field("reference", pa.string()), *ROWS])


def quality_rows(snapshot: Snapshot) -> pa.RecordBatchReader:
    """Return a reader over reference and the columns of `quality_check`, of all sets.

    A set whose calls have lost their vectors is left out. Memory holds one block of embeddings
    and the sets themselves.
    """
    return pa.RecordBatchReader.from_batches(QUALITY_ROWS, _batches(snapshot))


def _batches(snapshot: Snapshot) -> Iterator[pa.RecordBatch]:
    profiles = _profiles(snapshot)
    if not profiles:
        return
    blocks = quality_blocks(snapshot["utterances"], profiles, (PASS, REVIEW))
    for name, rows in blocks:
        names = pa.array([name] * rows.num_rows, pa.string())
        columns = [names, *(column.combine_chunks() for column in rows.columns)]
        yield pa.RecordBatch.from_arrays(columns, schema=QUALITY_ROWS)


def _profiles(snapshot: Snapshot) -> list[Profile]:
    sets = snapshot["reference_sets"]
    names = sorted(set(sets.to_table(columns=["name"])["name"].to_pylist()))
    found = []
    for name in names:
        try:
            found.append(read_profile(sets, snapshot["utterances"], name))
        except UsageError:  # none of its calls has a vector any more
            continue
    return found
