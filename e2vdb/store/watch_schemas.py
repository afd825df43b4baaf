"""Stored columns of alerts, and of the folders that are watched."""

import pyarrow as pa

_MOMENT = pa.timestamp("us", tz="UTC")

ALERTS = pa.schema(
    [
        pa.field("alert_id", pa.string()),
        pa.field("utterance_id", pa.string()),
        pa.field("folder", pa.string()),  # the watched folder: its watcher delivers
        pa.field("condition", pa.string()),
        pa.field("reference", pa.string()),
        pa.field("emotion", pa.string()),
        pa.field("verdict", pa.string()),
        pa.field("similarity", pa.float64()),
        pa.field("status", pa.string()),  # pending, sent or failed
        pa.field("attempts", pa.int32()),
        pa.field("last_error", pa.string()),
        pa.field("created_at", _MOMENT),
        pa.field("last_attempt_at", _MOMENT),
        pa.field("sent_at", _MOMENT),
        pa.field("payload", pa.string()),  # what is posted, as JSON
    ]
)
WATCHES = pa.schema(
    [
        pa.field("folder", pa.string()),
        pa.field("watched_since", _MOMENT),
        pa.field("checked_until", _MOMENT),  # rows ingested before have been checked
    ]
)
