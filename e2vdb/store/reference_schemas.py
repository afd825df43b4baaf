"""Stored columns of reference sets, alignments and the text vectors beside voices."""

import pyarrow as pa

REFERENCE_SETS = pa.schema(
    [
        pa.field("name", pa.string()),
        pa.field("utterance_id", pa.string()),
        pa.field("added_at", pa.timestamp("us", tz="UTC")),
    ]
)
TEXT_VECTORS = pa.schema(
    [
        pa.field("name", pa.string()),  # the alignment whose space the vector is of
        pa.field("utterance_id", pa.string()),
        pa.field("vector", pa.list_(pa.float32())),
    ]
)


def alignments_schema(dimension: int) -> pa.Schema:
    """Return the columns of `alignments`: one linear map a row, `weight @ voice + intercept`."""
    return pa.schema(
        [
            pa.field("name", pa.string()),
            pa.field("width", pa.int32()),
            pa.field("source", pa.string()),
            pa.field("pairs", pa.int64()),  # NULL for an imported matrix, as the next three
            pa.field("strength", pa.float64()),
            pa.field("held_out_cosine", pa.float64()),
            pa.field("baseline_cosine", pa.float64()),
            pa.field("made_at", pa.timestamp("us", tz="UTC")),
            pa.field("weight", pa.list_(pa.list_(pa.float32(), dimension))),
            pa.field("intercept", pa.list_(pa.float32())),
        ]
    )
