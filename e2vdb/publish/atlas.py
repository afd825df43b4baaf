"""A Parquet file for embedding-atlas: calls with coordinates, neighbours and vectors.

Its documentation: x and y are columns of numbers, neighbours a column of
`{ids: [row, …], distances: [d, …]}` whose ids count the file's rows from 0.
"""

from e2vdb.errors import UsageError
from e2vdb.publish.parts import ALL, CALLS, Job, Part
from e2vdb.publish.source import literal


def atlas_part(job: Job) -> Part:
    """Return the one table of such a publication. Raises `UsageError` where there is no map."""
    name = _map(job)
    inputs = {
        **CALLS,
        "utterances": ALL,
        "emotion_map": ALL,
        "neighbors": ALL,
    }
    return Part("atlas", inputs, lambda one: _select(one, name), ("vectors", "map"))


def _map(job: Job) -> str:
    found = job.connection.execute("SELECT DISTINCT name FROM emotion_map ORDER BY name").fetchall()
    names = [name for (name,) in found]
    wanted = job.options.map
    if not names:
        raise UsageError("There is no map to publish; make one with `e2vdb map --name NAME`.")
    if wanted is None and len(names) > 1:
        raise UsageError(f"There are several maps ({', '.join(names)}); choose one with --map.")
    if wanted is not None and wanted not in names:
        raise UsageError(f"There is no map {wanted!r}; there are {', '.join(names)}.")
    return wanted or str(names[0])


def _select(job: Job, name: str) -> str:
    """Return the rows of a map in the order of their ids, which is what neighbours count by."""
    full = job.options.vectors == "full" or job.snapshot.distiller_id is None
    vector = "embedding" if full else "distilled"
    return f"""
WITH placed AS (
    SELECT utterance_id, row_number() OVER (ORDER BY utterance_id) - 1 AS row,
        x::DOUBLE AS projection_x, y::DOUBLE AS projection_y
    FROM emotion_map SEMI JOIN calls USING (utterance_id) WHERE name = {literal(name)}
),
near AS (
    SELECT one.row, {{
        'ids': list(other.row ORDER BY rank),
        'distances': list(1 - similarity ORDER BY rank)
    }} AS neighbors
    FROM neighbors
    JOIN placed AS one USING (utterance_id)
    JOIN placed AS other ON other.utterance_id = neighbor_id
    GROUP BY one.row
)
SELECT {job.columns("calls")}, projection_x, projection_y,
    coalesce(neighbors, {{'ids': []::BIGINT[], 'distances': []::DOUBLE[]}}) AS neighbors,
    voices.vector
FROM placed JOIN calls USING (utterance_id) LEFT JOIN near USING (row)
LEFT JOIN (SELECT utterance_id, {vector} AS vector FROM utterances) AS voices USING (utterance_id)
ORDER BY placed.row"""
