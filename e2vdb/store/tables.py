"""The tables of a database and their stored columns."""

from dataclasses import dataclass

import pyarrow as pa

from e2vdb.ingest.schema import frames_schema, utterances_schema
from e2vdb.store.analysis_schemas import (
    CLUSTERS,
    EMOTION_MAP,
    EVENTS,
    cluster_centroids_schema,
    heads_schema,
)
from e2vdb.store.reference_schemas import REFERENCE_SETS, TEXT_VECTORS, alignments_schema
from e2vdb.store.watch_schemas import ALERTS, WATCHES

DEFAULT_DIMENSION = 1024
DISTILLED = "distilled"
DISTILLER_MARK = b"e2vdb:distiller"
"""Field metadata of a `distilled` column: the id of the distiller that its values came from."""

REJECTS = pa.schema(
    [
        pa.field("utterance_id", pa.string()),
        pa.field("source_dir", pa.string()),
        pa.field("path", pa.string()),
        pa.field("code", pa.string()),
        pa.field("detail", pa.string()),
        pa.field("seen_at", pa.timestamp("us", tz="UTC")),
    ]
)
METADATA = pa.schema([pa.field("utterance_id", pa.string()), pa.field("output_dir", pa.string())])
SOURCES = pa.schema(
    [
        pa.field("utterance_id", pa.string()),
        pa.field("source_dir", pa.string()),
        pa.field("stamp", pa.int64()),
        pa.field("files", pa.int8()),
    ]
)
SETTINGS = pa.schema([pa.field("name", pa.string()), pa.field("value", pa.float64())])

NEIGHBORS = pa.schema(
    [
        pa.field("utterance_id", pa.string()),
        pa.field("rank", pa.int32()),
        pa.field("neighbor_id", pa.string()),
        pa.field("similarity", pa.float64()),
    ]
)
NEIGHBOR_SOURCES = pa.schema(
    [
        pa.field("utterance_id", pa.string()),
        pa.field("content_hash", pa.string()),
        pa.field("k", pa.int32()),
    ]
)


def distillers_schema(dimension: int) -> pa.Schema:
    """Return the columns of `distillers`: one fitted PCA a row, whole and readable."""
    return pa.schema(
        [
            pa.field("distiller_id", pa.int32()),
            pa.field("dimensions", pa.int32()),
            pa.field("variance_kept", pa.float64()),
            pa.field("fitted_rows", pa.int64()),
            pa.field("fitted_at", pa.timestamp("us", tz="UTC")),
            pa.field("mean", pa.list_(pa.float32(), dimension)),
            pa.field("components", pa.list_(pa.list_(pa.float32(), dimension))),
            pa.field("explained_variance_ratio", pa.list_(pa.float64())),
        ]
    )


@dataclass(frozen=True, slots=True)
class Table:
    """A table's name and what it is for, in a sentence that `e2vdb info` prints."""

    name: str
    about: str

    def schema(self, dimension: int) -> pa.Schema:
        """Return the columns with which the table is created."""
        fixed = {
            "rejects": REJECTS,
            "metadata": METADATA,
            "sources": SOURCES,
            "settings": SETTINGS,
            "events": EVENTS,
            "clusters": CLUSTERS,
            "emotion_map": EMOTION_MAP,
            "reference_sets": REFERENCE_SETS,
            "text_vectors": TEXT_VECTORS,
            "neighbors": NEIGHBORS,
            "neighbor_sources": NEIGHBOR_SOURCES,
            "alerts": ALERTS,
            "watches": WATCHES,
        }
        by_dimension = {
            "utterances": utterances_schema,
            "frames": frames_schema,
            "distillers": distillers_schema,
            "cluster_centroids": cluster_centroids_schema,
            "heads": heads_schema,
            "alignments": alignments_schema,
        }
        return fixed[self.name] if self.name in fixed else by_dimension[self.name](dimension)


UTTERANCES = Table("utterances", "one row an output directory")
FRAMES = Table("frames", "one row a frame of 20 ms")
METADATA_TABLE = Table("metadata", "what your files say of each call")
REJECTS_TABLE = Table("rejects", "directories that are no row, and why")
DISTILLERS = Table("distillers", "fitted PCA models behind `distilled`")
SETTINGS_TABLE = Table("settings", "limits and choices set with `e2vdb config`")
SOURCES_TABLE = Table("sources", "file times of the last ingest; safe to delete")
EVENTS_TABLE = Table("events", "launches, trainings and whatever else may move feelings")
CLUSTERS_TABLE = Table("clusters", "which cluster each call is in, by clustering")
CENTROIDS_TABLE = Table("cluster_centroids", "the fitted clusters, with their labels")
EMOTION_MAP_TABLE = Table("emotion_map", "two-dimensional coordinates of calls, for plots")
HEADS_TABLE = Table("heads", "imported classifier heads")
NEIGHBORS_TABLE = Table("neighbors", "each call's nearest calls, made by `e2vdb neighbors`")
NEIGHBOR_SOURCES_TABLE = Table("neighbor_sources", "which contents `neighbors` was made from")
REFERENCE_SETS_TABLE = Table("reference_sets", "named lists of calls to compare others with")
ALIGNMENTS_TABLE = Table("alignments", "linear maps from voice to another space")
TEXT_VECTORS_TABLE = Table("text_vectors", "what was said, as vectors of that space")
ALERTS_TABLE = Table("alerts", "what `e2vdb watch` raises, sent or not")
WATCHES_TABLE = Table("watches", "up to when the calls of a watched folder are checked")

LATER = (
    ALERTS_TABLE,
    WATCHES_TABLE,
    HEADS_TABLE,
    EMOTION_MAP_TABLE,
    CENTROIDS_TABLE,
    CLUSTERS_TABLE,
    EVENTS_TABLE,
    NEIGHBORS_TABLE,
    NEIGHBOR_SOURCES_TABLE,
    REFERENCE_SETS_TABLE,
    ALIGNMENTS_TABLE,
    TEXT_VECTORS_TABLE,
)
"""Tables that a database made before them lacks until it is written again."""

# `utterances` is made last: a database is one as soon as it has that table.
TABLES = (
    *LATER,
    SETTINGS_TABLE,
    DISTILLERS,
    SOURCES_TABLE,
    REJECTS_TABLE,
    METADATA_TABLE,
    FRAMES,
    UTTERANCES,
)
