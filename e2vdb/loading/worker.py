"""What one worker does with one job: read, stage the rows, send back only what commits need."""

import gc
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from e2vdb.distill.distiller import Distiller
from e2vdb.head.fill import score_batch
from e2vdb.head.head import Head
from e2vdb.ingest.batches import read_directories
from e2vdb.ingest.frames import FrameSource, frame_rows
from e2vdb.ingest.jobs import Job, Place, Reading, Stamp
from e2vdb.ingest.rejects import Reject, Unusable
from e2vdb.ingest.schema import frames_schema
from e2vdb.store.address import Address
from e2vdb.store.commits import stage
from e2vdb.store.tables import FRAMES, SOURCES, UTTERANCES


@dataclass(frozen=True, slots=True)
class Target:
    """Where rows are staged, the distiller of their short vectors, the head of their scores."""

    address: Address
    distiller: Distiller | None
    head: Head | None = None


@dataclass(slots=True)
class Outcome:
    """A job's result without the rows, which are on disk already, waiting for a commit."""

    folders: int = 0
    inserted: int = 0
    unchanged: int = 0
    frames: int = 0
    updated: list[str] = field(default_factory=list)
    with_frames: list[str] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    rejected_before: list[tuple[str, str]] = field(default_factory=list)
    mended: list[tuple[str, str]] = field(default_factory=list)
    stamps: pa.Table = field(default_factory=SOURCES.empty_table)
    below: list[Place] = field(default_factory=list)
    links: int = 0
    staged_rows: list[str] = field(default_factory=list)
    staged_frames: list[str] = field(default_factory=list)


def run_job(job: Job, target: Target) -> Outcome:
    """Read a job's folders and stage what is new. Runs in any process; commits nothing."""
    collecting = gc.isenabled()
    gc.disable()  # tens of thousands of small tuples and no cycles
    try:
        reading = read_directories(job)
    finally:
        if collecting:
            gc.enable()
    outcome = Outcome(
        folders=len(job.folders),
        unchanged=reading.unchanged,
        rejects=reading.rejects,
        rejected_before=reading.rejected_before,
        mended=reading.mended,
        below=reading.folders,
        links=reading.links,
    )
    sources = _stage_frames(job, target, reading.frames, outcome)
    outcome.with_frames = [source.utterance_id for source in sources]
    rows, outcome.updated = _still_good(reading, {one.utterance_id for one in outcome.rejects})
    outcome.inserted = rows.num_rows - len(outcome.updated)
    if rows.num_rows:
        table = _distilled(pa.Table.from_batches([rows]), target.distiller)
        outcome.staged_rows = stage(target.address, UTTERANCES, table, table.schema)
    outcome.stamps = _stamps(reading.stamps)
    return outcome


def _still_good(reading: Reading, rejected: set[str]) -> tuple[pa.RecordBatch, list[str]]:
    """Return the rows and updated ids without those whose frames failed in the end."""
    ids = reading.rows.column("utterance_id").to_pylist()
    if rejected.isdisjoint(ids):
        return reading.rows, reading.updated
    kept = pa.array([one not in rejected for one in ids], pa.bool_())
    return reading.rows.filter(kept), [one for one in reading.updated if one not in rejected]


def _distilled(rows: pa.Table, distiller: Distiller | None) -> pa.Table:
    if distiller is None:
        return rows
    column = distiller.column(rows.column("embedding").combine_chunks())
    return rows.append_column(distiller.field, column)


def _stage_frames(
    job: Job, target: Target, sources: list[FrameSource], outcome: Outcome
) -> list[FrameSource]:
    """Stage the frames of all recordings and return those that could be read to the end.

    All were read once already, so one that fails now changed in the meantime: it becomes a
    reject, and the others are staged again without it.
    """
    schema = frames_schema(job.dimension)
    if target.distiller is not None:
        schema = schema.append(target.distiller.field)
    while sources:
        failed: list[FrameSource] = []
        outcome.frames = 0
        batches = _frame_batches(job, target, sources, schema, failed, outcome)
        reader = pa.RecordBatchReader.from_batches(schema, batches)
        staged = stage(target.address, FRAMES, reader, schema)
        if not failed:
            outcome.staged_frames = staged
            break
        sources = [source for source in sources if source not in failed]
    return sources


def _frame_batches(
    job: Job,
    target: Target,
    sources: list[FrameSource],
    schema: pa.Schema,
    failed: list[FrameSource],
    outcome: Outcome,
) -> Iterator[pa.RecordBatch]:
    for source in sources:
        try:
            for batch in frame_rows(job.files, source):
                outcome.frames += batch.num_rows
                yield _finish_frames(batch, schema, job.frames, target)
        except Unusable as error:
            failed.append(source)
            folder = source.path.rpartition("/")[0]
            outcome.rejects.append(
                Reject(source.utterance_id, folder, error.path, error.code, error.detail)
            )


def _finish_frames(
    batch: pa.RecordBatch, schema: pa.Schema, mode: str, target: Target
) -> pa.RecordBatch:
    columns, distiller = list(batch.columns), target.distiller
    if target.head is not None:
        scores, _ = score_batch(batch, target.head)
        first = batch.schema.get_field_index("emotion")
        columns[first : first + len(scores)] = scores
    if distiller is not None:
        embeddings = batch.column("embedding")
        columns.append(distiller.column(embeddings))
        if mode == "distilled":
            columns[3] = pa.nulls(batch.num_rows, embeddings.type)
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _stamps(stamps: list[Stamp]) -> pa.Table:
    if not stamps:
        return SOURCES.empty_table()
    return pa.table(
        [
            pa.array(column, field.type)
            for column, field in zip(zip(*stamps, strict=True), SOURCES, strict=True)
        ],
        schema=SOURCES,
    )
