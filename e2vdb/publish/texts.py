"""What every published table and column is, in one sentence: the only place that says it."""

from e2vdb.ingest.labels import EMOTIONS
from e2vdb.ingest.schema import utterances_schema
from e2vdb.publish.columns import UTC
from e2vdb.query.calls import CONVENTIONAL

TABLES = {
    "calls": "One row a call: its emotion, nine scores, times, and what your files say of it.",
    "clusters": "Which cluster each call is in, one row a call and clustering.",
    "cluster_centroids": "The clusters of each clustering: label, size and how they were found.",
    "cluster_profiles": "What each cluster is like: share, mean scores, typical agents and calls.",
    "neighbors": "Each call's nearest calls by the cosine of their voice vectors.",
    "events": "Launches, trainings and whatever else may move feelings.",
    "rejects": "Directories that could not be read, and why.",
    "reference_sets": "Named lists of calls that others are compared with.",
    "quality": "How close each call is to each reference set, with the usual verdict.",
    "emotion_map": "Two coordinates a call, for scatter plots; near points sound alike.",
    "vectors": "The voice vectors of each call, for nearest-neighbour search in SQL.",
    "frames": "Single frames of 20 ms of each call; meta.options says which were kept.",
    "trend_daily": "Calls, shares and mean scores a day: emotion_trend(bucket := 'day').",
    "trend_daily_agent": "The same a day and agent: agent_trend(bucket := 'day').",
    "meta": "When this file was published, from what, and with which choices; one row.",
    "meta_tables": "The tables of this file: rows, and the versions each was made from.",
}

_SHARED = {
    "utterance_id": "The call's id: the path of its output directory below the ingested folder.",
    "source_dir": "The directory that the call was read from.",
    "at_local": "When the call was, in local time: called_at, else recorded_at, else "
    "recognized_at.",
    "called_at": "When the call was, as your metadata says, in local time.",
    "recorded_at": "When the recording began, from the directory's name, in local time.",
    "recognized_at": "When the emotion was recognised, in local time.",
    "ingested_at": "When the call came into the database, in local time.",
    "emotion": "The recognised emotion, one of nine names.",
    "emotion_raw": "The emotion's label as it was written in the result.",
    "confidence": "The score of the recognised emotion, 0 to 1.",
    "negative": "True for angry, disgusted, fearful or sad; NULL without an emotion.",
    "granularity": "Whether the result was for the utterance or for its frames.",
    "duration_s": "The length of the audio in seconds.",
    "sample_rate": "Samples a second of the audio.",
    "n_frames": "How many frames of 20 ms the call has.",
    "norm": "The length of the call's voice vector.",
    "warnings": "Codes of what was odd about the directory, separated by commas.",
    "content_hash": "A fingerprint of what the directory held.",
    "agent": "Who took the call.",
    "customer": "Who called.",
    "product": "The product that the call was about.",
    "team": "The agent's team.",
    "name": "The name that was given.",
    "label": "The cluster's business name, where it was given one.",
    "cluster": "The cluster's number; -1 for a call that belongs to none.",
    "distance": "How far the call is from its cluster's centroid.",
    "rank": "1 for the nearest call, 2 for the next.",
    "neighbor_id": "The id of the near call.",
    "similarity": "The cosine similarity, 1 for the same direction.",
    "reference": "The reference set that the call was compared with.",
    "nearest_id": "The nearest call of the reference set, never the call itself.",
    "nearest_similarity": "The cosine similarity to the nearest call of the set.",
    "verdict": "pass from 0.75 on, review from 0.60 on, else risk.",
    "x": "The horizontal coordinate; it has no unit.",
    "y": "The vertical coordinate; it has no unit.",
    "kind": "What sort of event it was.",
    "starts_at": "When the event began, in local time.",
    "ends_at": "When the event ended, in local time; NULL for a moment.",
    "path": "The file or directory that could not be read.",
    "code": "The reason as a word.",
    "detail": "The reason in full.",
    "seen_at": "When the directory was last tried, in local time.",
    "added_at": "When the call was put into the set, in local time.",
    "fitted_at": "When the clustering was fitted, in local time.",
    "embedding": "The voice vector as Emotion2Vec+ wrote it.",
    "distilled": "The voice vector with fewer dimensions, by principal components.",
    "frame_index": "The frame's number in the call, from 0.",
    "start_s": "The second at which the frame begins.",
    "bucket": "The first moment of the day, in local time.",
    "calls": "How many calls there were.",
    "negative_share": "The share of negative calls among those whose emotion is known.",
    "negative_low": "The lower end of the share's 95 % Wilson interval.",
    "negative_high": "The upper end of the share's 95 % Wilson interval.",
    "negative_change": "The change of the share against the day before.",
    "calls_change": "The change of the number of calls against the day before.",
    "share": "The cluster's share of the clustered calls.",
    "size": "How many calls the cluster has.",
    "cohesion": "The mean distance of the cluster's calls from its centroid.",
    "separation": "The distance to the nearest other centroid.",
    "centroid": "The centroid among unit-length voice vectors.",
    "variance": "The variance of a Gaussian component, else NULL.",
    "weight": "The weight of a Gaussian component, else NULL.",
    "radius": "The distance past which a call is in no HDBSCAN cluster, else NULL.",
    "method": "How the clusters were found: kmeans, gaussian or hdbscan.",
    "space": "Which vectors were clustered: distilled or full.",
    "scope": "The condition that chose the calls, NULL for all.",
    "seed": "The seed of the fit; the same seed gives the same clusters.",
    "inertia": "The summed squared distances from the centroids.",
    "silhouette": "How well the clusters are apart, -1 to 1.",
    "why": "Why there are so many clusters.",
    "top_agents": "The agents that the cluster has most above their usual share, as JSON.",
    "top_products": "The products that the cluster has most above their usual share, as JSON.",
    "typical_calls": "The ids of the calls nearest to the centroid, as JSON.",
    "weekly_share": "The cluster's share week by week, as JSON.",
    "published_at": "When the file was published, in local time.",
    "e2vdb_version": "The version of e2vdb that published the file.",
    "database": "The address of the database that was published.",
    "store_version": "The version of utterances; `--as-of` takes the same number.",
    "store_versions": "The versions of the stored tables, as JSON.",
    "options": "The choices of the publication, as JSON.",
    "timezone": "The time zone of all local times in this file.",
    "table_name": "The table.",
    "rows": "How many rows it has.",
    "made_at": "When its rows were computed, in local time; unchanged tables are copied.",
    "fingerprint": "What the rows were made from; equal fingerprints, equal rows.",
    "about": "What the table holds.",
    **{emotion: f"The score of {emotion}, 0 to 1." for emotion in EMOTIONS},
    **{f"{one}_share": f"The share of {one} calls." for one in EMOTIONS},
    **{f"{one}_score": f"The mean score of {one}, 0 to 1." for one in EMOTIONS},
}
_OWN = {
    ("frames", "distance"): "The cosine distance of the frame from the whole call.",
    ("frames", "emotion"): "The frame's emotion, where it was scored.",
    ("emotion_map", "name"): "The name of the map.",
    ("events", "name"): "The name of the event.",
    ("events", "product"): "The product that the event concerns, NULL for all.",
    ("events", "team"): "The team that the event concerns, NULL for all.",
    ("reference_sets", "name"): "The name of the reference set.",
    ("clusters", "name"): "The name of the clustering.",
    ("cluster_centroids", "name"): "The name of the clustering.",
    ("cluster_profiles", "name"): "The name of the clustering.",
    ("neighbors", "utterance_id"): "The id of the call whose neighbour this is.",
    ("calls", "quality"): "The quality of the recording, 0 to 1; NULL where nothing says it.",
    ("calls", "channel"): "Which channel of the recording was heard: mono, left or right.",
    ("calls", "audio_file"): "The recording that was heard, where the result says it.",
    ("calls", "model"): "The model that heard the recording, where the result says it.",
    ("quality", "similarity"): "The mean cosine similarity to the calls of the set.",
    ("rejects", "utterance_id"): "The id that the call would have had.",
}


_OF_CALLS = {*utterances_schema(1).names, *CONVENTIONAL.names, "at_local", "negative"}
"""The columns of `calls` that are ours; others come with the user's own files."""


def column_text(table: str, column: str) -> str | None:
    """Return what a column is; of a UTC column, what it is the UTC of. None if unknown."""
    local = "at_local" if column == f"at{UTC}" else column.removesuffix(UTC)
    if table == "calls" and local not in _OF_CALLS:
        return None
    own = _OWN.get((table, column)) or _SHARED.get(column)
    return own or (f"{local} in UTC." if local in _SHARED and local != column else None)


def metadata_text(column: str) -> str:
    """Return what a column is that came with the user's own files."""
    if column.endswith(UTC):
        return f"{column.removesuffix(UTC)} of your metadata, in UTC."
    return f"{column} of your metadata."
