"""The tables of a publication: what each is made of, and from which stored columns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import duckdb

from e2vdb.publish.columns import flat
from e2vdb.publish.options import PublishOptions
from e2vdb.publish.source import quoted
from e2vdb.query.calls import LEFT_OUT
from e2vdb.query.snapshot import Snapshot

Inputs = Mapping[str, tuple[str, ...]]
"""Stored tables and the columns that are read of each."""

ALL = ("*",)
NARROW = ("*narrow",)
"""All columns, and all but vectors and raw results."""


@dataclass(frozen=True, slots=True)
class Job:
    """One publication at work: where it reads, what it was asked for."""

    connection: duckdb.DuckDBPyConnection
    snapshot: Snapshot
    options: PublishOptions
    timezone: str

    def columns(self, relation: str, keep: tuple[str, ...] = ()) -> str:
        """Return the SELECT list of a relation as BI tools take it."""
        return flat(self.connection, relation, self.timezone, keep)


@dataclass(frozen=True, slots=True)
class Part:
    """A table: its inputs, the options that shape it, and the SELECT that fills it.

    `of_calls` parts have rows about calls, and keep those of published calls. `derived` ones
    are answers of the published macros over the published tables. `whole` says that the table
    is the relation of that name itself, so that macros over it answer the same.
    """

    name: str
    inputs: Inputs
    select: Callable[[Job], str]
    options: tuple[str, ...] = ()
    of_calls: bool = False
    derived: bool = False
    whole: Callable[[PublishOptions], bool] = lambda _: True
    wanted: Callable[[PublishOptions], bool] = lambda _: True


CALLS: Inputs = {"utterances": NARROW, "metadata": ALL}


def inputs_of(part: Part, options: PublishOptions) -> Inputs:
    """Return the inputs of a part; where calls are left out, whatever says which ones."""
    return {**part.inputs, **(CALLS if part.of_calls and options.since else {})}


def input_columns(columns: tuple[str, ...], stored: list[str]) -> list[str]:
    """Return which of the stored columns an input names."""
    if columns == ALL:
        return stored
    if columns == NARROW:
        return [name for name in stored if name not in LEFT_OUT]
    return [name for name in stored if name in columns]


def _whole(relation: str, order: str = "") -> Callable[[Job], str]:
    """Return the SELECT of a whole relation."""
    ending = f" ORDER BY {order}" if order else ""
    return lambda job: f"SELECT {job.columns(relation)} FROM {relation}{ending}"


def _of_calls(relation: str, *ids: str) -> Callable[[Job], str]:
    """Return the SELECT of the rows whose ids are all of published calls."""

    def select(job: Job) -> str:
        text = f"SELECT {job.columns(relation)} FROM {relation}"
        if job.options.since:
            known = (f"{one} IN (SELECT utterance_id FROM calls)" for one in ids)
            text += f" WHERE {' AND '.join(known)}"
        return text

    return select


def _centroids(job: Job) -> str:
    keep = ("centroid",) if job.options.vectors != "none" else ()
    dropped = "" if keep else " EXCLUDE (centroid)"
    shown = f"(SELECT *{dropped} FROM cluster_centroids)"
    return f"SELECT {job.columns(shown, keep)} FROM {shown}"


def _profiles(job: Job) -> str:
    relation = (
        "(SELECT fitted.name, profile.* FROM (SELECT DISTINCT name FROM cluster_centroids) "
        "AS fitted, LATERAL (FROM cluster_profiles(fitted.name)) AS profile)"
    )
    return f"SELECT {job.columns(relation)} FROM {relation} ORDER BY name, cluster"


def _vector_columns(job: Job, table: str) -> list[str]:
    wanted = {"none": ALL, "distilled": ("distilled",), "full": ("distilled", "embedding")}
    stored = job.snapshot[table].schema.names
    return [name for name in wanted[job.options.vectors] if name in stored]


def _vectors(job: Job) -> str:
    columns = ", ".join(["utterance_id", *_vector_columns(job, "utterances")])
    text = f"SELECT {columns} FROM utterances WHERE embedding IS NOT NULL"
    if job.options.since:
        text += " AND utterance_id IN (SELECT utterance_id FROM calls)"
    return text


def _frames(job: Job) -> str:
    names = [name for name in job.snapshot["frames"].schema.names if name not in LEFT_OUT]
    columns = [quoted(name) for name in [*names, *_vector_columns(job, "frames")]]
    nth = job.options.nth_frame
    text = f"SELECT {', '.join(columns)} FROM frames WHERE "
    text += f"frame_index % {nth} = 0" if nth else "false"
    if job.options.since:
        text += " AND utterance_id IN (SELECT utterance_id FROM calls)"
    return text


def _quality(job: Job) -> str:
    text = "SELECT * FROM _quality_rows"
    if job.options.since:
        text += " WHERE utterance_id IN (SELECT utterance_id FROM calls)"
    return text


_DISTILLED = ("utterance_id", "embedding", "distilled")

PARTS = (
    Part("calls", CALLS, _whole("calls")),
    Part(
        "clusters",
        {"clusters": ALL, "cluster_centroids": ALL},
        _of_calls("clusters", "utterance_id"),
        of_calls=True,
    ),
    Part(
        "cluster_centroids", {"clusters": ALL, "cluster_centroids": ALL}, _centroids, ("vectors",)
    ),
    Part("cluster_profiles", {**CALLS, "clusters": ALL, "cluster_centroids": ALL}, _profiles),
    Part(
        "neighbors",
        {"neighbors": ALL},
        _of_calls("neighbors", "utterance_id", "neighbor_id"),
        of_calls=True,
    ),
    Part("events", {"events": ALL}, _whole("events")),
    Part("rejects", {"rejects": ALL}, _whole("rejects")),
    Part(
        "reference_sets",
        {"reference_sets": ALL},
        _of_calls("reference_sets", "utterance_id"),
        of_calls=True,
    ),
    Part(
        "quality",
        {"reference_sets": ALL, "utterances": ("utterance_id", "embedding")},
        _quality,
        of_calls=True,
    ),
    Part(
        "emotion_map",
        {"emotion_map": ALL},
        _of_calls("emotion_map", "utterance_id"),
        of_calls=True,
    ),
    Part(
        "vectors",
        {"utterances": _DISTILLED},
        _vectors,
        ("vectors",),
        of_calls=True,
        wanted=lambda options: options.vectors != "none",
    ),
    Part(
        "frames",
        {"frames": ALL},
        _frames,
        ("vectors", "frame_step"),
        of_calls=True,
        whole=lambda options: options.nth_frame == 1,
    ),
    Part("trend_daily", CALLS, _whole("emotion_trend(bucket := 'day')"), derived=True),
    Part("trend_daily_agent", CALLS, _whole("agent_trend(bucket := 'day')"), derived=True),
)
"""Every table that holds data, each after those that it is made of."""
