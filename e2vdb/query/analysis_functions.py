"""Functions that apply clusterings and heads to vectors, and part a call into segments."""

import duckdb
import numpy as np
import pyarrow as pa
from duckdb.func import PythonUDFType
from numpy.typing import NDArray

from e2vdb.clustering.model import DISTILLED_SPACE, Clustering, Floats
from e2vdb.clustering.store import read_clustering
from e2vdb.distill.distiller import Distiller
from e2vdb.errors import InputError
from e2vdb.head.head import read_head
from e2vdb.ingest.labels import EMOTIONS
from e2vdb.query.change_points import segments_of
from e2vdb.query.registry import put_function
from e2vdb.query.snapshot import Snapshot
from e2vdb.query.stored_facts import stored_facts

ANALYSIS_FUNCTIONS = {
    "e2v_cluster": "e2v_cluster(vector, name) -> INTEGER: the cluster of an embedding or of a "
    "distilled vector in a clustering, -1 for none",
    "e2v_emotion": "e2v_emotion(vector) -> STRUCT: the nine scores that the imported head gives "
    "an embedding",
    "e2v_segments": "e2v_segments(id) -> STRUCT[]: first and last frame of each stretch of one "
    "feeling; change_points(id) shows them",
    "e2v_stored_facts": "e2v_stored_facts() -> STRUCT[]: sampled value range and index state; "
    "health_report() shows them",
}


def register_analysis(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> None:
    """Add the functions; each call reads what is stored at that moment."""

    def cluster(vectors: pa.ChunkedArray, names: pa.ChunkedArray) -> pa.Array:
        return cluster_vectors(snapshot, vectors, names)

    put_function(
        connection,
        "e2v_cluster",
        cluster,
        ["FLOAT[]", "VARCHAR"],
        "INTEGER",
        type=PythonUDFType.ARROW,
        side_effects=True,  # a clustering of the same name may be fitted anew
    )
    put_function(
        connection,
        "e2v_emotion",
        lambda vectors: emotion_scores(snapshot, vectors),
        ["FLOAT[]"],
        "STRUCT(" + ", ".join(f'"{emotion}" FLOAT' for emotion in EMOTIONS) + ")",
        type=PythonUDFType.ARROW,
        side_effects=True,  # another head may be imported
    )
    put_function(
        connection,
        "e2v_segments",
        lambda utterance_id: _segments(snapshot, utterance_id),
        ["VARCHAR"],
        "STRUCT(segment INTEGER, first INTEGER, last INTEGER, distance DOUBLE)[]",
        side_effects=True,  # new frames may come in
    )
    put_function(
        connection,
        "e2v_stored_facts",
        lambda: [fact._asdict() for fact in stored_facts(snapshot)],
        [],
        "STRUCT(name VARCHAR, value DOUBLE)[]",
        side_effects=True,  # the tables may change between two calls
    )


def _segments(snapshot: Snapshot, utterance_id: str) -> list[dict[str, int | float | None]]:
    return [segment._asdict() for segment in segments_of(snapshot["frames"], utterance_id)]


def emotion_scores(snapshot: Snapshot, vectors: pa.ChunkedArray) -> pa.Array:
    """Return the nine scores of each embedding. Raises `InputError` without a head."""
    head = read_head(snapshot["heads"])
    if head is None:
        raise InputError("There is no classifier head yet; run `e2vdb head import FILE` first.")
    rows, dimension = rectangle(vectors), head.weight.shape[1]
    if rows.shape[1] != dimension:
        raise InputError(
            f"wrong_dimension: the head takes vectors of {dimension} values, not {rows.shape[1]}"
        )
    scores = head.scores(rows)
    columns = [pa.array(scores[:, i]) for i in range(len(EMOTIONS))]
    return pa.StructArray.from_arrays(columns, list(EMOTIONS))


def cluster_vectors(
    snapshot: Snapshot, vectors: pa.ChunkedArray, names: pa.ChunkedArray
) -> pa.Array:
    """Return each vector's cluster, as INTEGER. Raises `InputError` for a vector of wrong length.

    Raises `UsageError` for a name that is no clustering.
    """
    found = np.empty(len(vectors), np.int32)
    distiller = snapshot.distiller()
    for name in set(names.to_pylist()):
        clustering = read_clustering(snapshot["clusters"], snapshot["cluster_centroids"], name)
        here = np.flatnonzero(np.asarray([one == name for one in names.to_pylist()]))
        rows = rectangle(vectors.take(pa.array(here)))
        points = _points(rows, clustering, distiller)
        found[here] = clustering.assign(points, clustering.centres(distiller))[0]
    return pa.array(found)


def rectangle(vectors: pa.ChunkedArray) -> NDArray[np.float32]:
    """Return a column of lists as an array (n, length). Raises `InputError` if lengths differ."""
    lists = vectors.combine_chunks() if isinstance(vectors, pa.ChunkedArray) else vectors
    lengths = {len(one) for one in lists}
    if len(lengths) != 1:
        raise InputError("wrong_dimension: vectors of different lengths in one call")
    values = lists.flatten().to_numpy(zero_copy_only=False).astype(np.float32, copy=False)
    rows: NDArray[np.float32] = values.reshape(len(lists), lengths.pop())
    return rows


def _points(
    rows: NDArray[np.float32], clustering: Clustering, distiller: Distiller | None
) -> Floats:
    length, dimension = rows.shape[1], clustering.centroids.shape[1]
    if length == dimension:
        return clustering.points(rows, distiller)
    distilled = clustering.space == DISTILLED_SPACE and distiller is not None
    if distilled and distiller is not None and length == distiller.dimensions:
        return rows
    also = f" or {distiller.dimensions}" if distilled and distiller is not None else ""
    raise InputError(
        f"wrong_dimension: the clustering {clustering.name!r} takes vectors of {dimension}{also} "
        f"values, not {length}"
    )
