"""The columns of `utterances` and `frames` as they are stored: names here are the product."""

import pyarrow as pa

from e2vdb.ingest.labels import EMOTIONS

SECONDS_PER_FRAME = 0.02

_SCORES = [pa.field(emotion, pa.float32()) for emotion in EMOTIONS]


def utterances_schema(dimension: int) -> pa.Schema:
    """Return the stored columns of `utterances` before a distiller adds `distilled`."""
    return pa.schema(
        [
            pa.field("utterance_id", pa.string()),
            pa.field("source_dir", pa.string()),
            pa.field("recorded_at", pa.timestamp("us")),
            pa.field("recognized_at", pa.timestamp("us")),
            pa.field("emotion", pa.string()),
            pa.field("emotion_raw", pa.string()),
            pa.field("confidence", pa.float32()),
            *_SCORES,
            pa.field("granularity", pa.string()),
            pa.field("duration_s", pa.float64()),
            pa.field("sample_rate", pa.int32()),
            pa.field("n_frames", pa.int32()),
            pa.field("embedding", pa.list_(pa.float32(), dimension)),
            pa.field("norm", pa.float32()),
            pa.field("warnings", pa.list_(pa.string())),
            pa.field("result", pa.string()),
            pa.field("content_hash", pa.string()),
            pa.field("ingested_at", pa.timestamp("us", tz="UTC")),
            # New columns stand last, where a database made before them gets them.
            pa.field("quality", pa.float32()),
            pa.field("channel", pa.string()),
            pa.field("audio_file", pa.string()),
            pa.field("model", pa.string()),
        ]
    )


def frames_schema(dimension: int) -> pa.Schema:
    """Return the stored columns of `frames`; embeddings are half precision on disk."""
    return pa.schema(
        [
            pa.field("utterance_id", pa.string()),
            pa.field("frame_index", pa.int32()),
            pa.field("start_s", pa.float64()),
            pa.field("embedding", pa.list_(pa.float16(), dimension)),
            pa.field("distance", pa.float32()),
            pa.field("emotion", pa.string()),
            *_SCORES,
        ]
    )
