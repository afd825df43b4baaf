"""Stored columns of what analysts add to a database: events, clusterings, maps, heads."""

import pyarrow as pa

EVENTS = pa.schema(
    [
        pa.field("name", pa.string()),
        pa.field("kind", pa.string()),
        pa.field("starts_at", pa.timestamp("us")),
        pa.field("ends_at", pa.timestamp("us")),
        pa.field("product", pa.string()),
        pa.field("team", pa.string()),
    ]
)
CLUSTERS = pa.schema(
    [
        pa.field("name", pa.string()),
        pa.field("utterance_id", pa.string()),
        pa.field("cluster", pa.int32()),
        pa.field("distance", pa.float32()),
        pa.field("fitted_at", pa.timestamp("us", tz="UTC")),  # which fit the row belongs to
        pa.field("content_hash", pa.string()),  # what was assigned; a changed call is assigned anew
    ]
)
EMOTION_MAP = pa.schema(
    [
        pa.field("name", pa.string()),
        pa.field("utterance_id", pa.string()),
        pa.field("x", pa.float32()),
        pa.field("y", pa.float32()),
    ]
)


def cluster_centroids_schema(dimension: int) -> pa.Schema:
    """Return the columns of `cluster_centroids`: one cluster of one fit a row.

    `centroid` lies among unit-length embeddings, so that it outlives a refit of the distiller.
    """
    return pa.schema(
        [
            pa.field("name", pa.string()),
            pa.field("cluster", pa.int32()),
            pa.field("label", pa.string()),
            pa.field("size", pa.int64()),
            pa.field("centroid", pa.list_(pa.float32(), dimension)),
            pa.field("variance", pa.float64()),  # of a Gaussian component, else NULL
            pa.field("weight", pa.float64()),  # of a Gaussian component, else NULL
            pa.field("radius", pa.float64()),  # past it a call belongs to no HDBSCAN cluster
            pa.field("method", pa.string()),
            pa.field("space", pa.string()),
            pa.field("scope", pa.string()),
            pa.field("seed", pa.int64()),
            pa.field("inertia", pa.float64()),
            pa.field("silhouette", pa.float64()),
            pa.field("why", pa.string()),
            pa.field("fitted_at", pa.timestamp("us", tz="UTC")),
        ]
    )


def heads_schema(dimension: int) -> pa.Schema:
    """Return the columns of `heads`: one classifier head a row, nine outputs in fixed order."""
    return pa.schema(
        [
            pa.field("head_id", pa.int32()),
            pa.field("source", pa.string()),
            pa.field("imported_at", pa.timestamp("us", tz="UTC")),
            pa.field("labels", pa.list_(pa.string())),
            pa.field("weight", pa.list_(pa.list_(pa.float32(), dimension))),
            pa.field("bias", pa.list_(pa.float32())),
        ]
    )
