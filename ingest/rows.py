"""Checks that many vectors take together, and the Arrow columns of what passes."""

import time

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from e2vdb.ingest.jobs import UNKNOWN, Job, Reading, reject
from e2vdb.ingest.layouts import Recording
from e2vdb.ingest.limits import Limits
from e2vdb.ingest.names import printable
from e2vdb.ingest.npy import Floats
from e2vdb.ingest.recordings import Utterance
from e2vdb.ingest.rejects import Reject, Unusable
from e2vdb.ingest.schema import utterances_schema


def no_rows(dimension: int) -> pa.RecordBatch:
    """Return the columns of `utterances` without a row."""
    schema = utterances_schema(dimension)
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)


def checked_rows(job: Job, utterances: list[Utterance], reading: Reading) -> pa.RecordBatch:
    """Check all vectors together, set aside what cannot be a row, build the Arrow columns."""
    with_vector = [i for i, one in enumerate(utterances) if one.embedding is not None]
    matrix = np.empty((len(with_vector), job.dimension), np.float32)
    for row, i in enumerate(with_vector):
        matrix[row] = utterances[i].embedding
    norms, problems = _check_vectors(matrix, job.limits)
    norm_of: dict[int, float] = {}
    bad: set[int] = set()
    for row, i in enumerate(with_vector):
        code = problems.get(row)
        if code is not None and code[0] in _FATAL:
            bad.add(i)
            reading.rejects.append(_vector_reject(utterances[i].recording, *code))
            continue
        norm_of[i] = float(norms[row])
        if code is not None:
            utterances[i].warnings.extend(code)
    kept = [i for i in range(len(utterances)) if i not in bad]
    if bad:
        matrix = matrix[[row for row, i in enumerate(with_vector) if i not in bad]]
    for i in kept:
        _count(job, utterances[i], reading)
    return _columns(job, [utterances[i] for i in kept], [norm_of.get(i) for i in kept], matrix)


_FATAL = {
    "not_finite": "holds NaN or infinity, or values too large for float32",
    "all_zero": "every value is zero: a broken file, for silence gives a vector too",
}


def _check_vectors(matrix: Floats, limits: Limits) -> tuple[Floats, dict[int, list[str]]]:
    """Return the rows' lengths, and the codes of the few rows that have any."""
    if not len(matrix):
        return np.empty(0, np.float32), {}
    with np.errstate(over="ignore", invalid="ignore"):
        largest = np.maximum(matrix.max(axis=1), -matrix.min(axis=1))
        norms = np.sqrt(np.einsum("ij,ij->i", matrix, matrix))
    fatal = {
        "not_finite": ~(np.isfinite(largest) & np.isfinite(norms)),
        "all_zero": largest == 0,
    }
    warned = {
        "out_of_range": largest > limits.max_abs,
        "norm_outlier": (norms < limits.norm_min) | (norms > limits.norm_max),
    }
    problems: dict[int, list[str]] = {}
    for code, mask in (*fatal.items(), *warned.items()):
        for row in np.flatnonzero(mask):
            problems.setdefault(int(row), []).append(code)
    return norms, problems


def _vector_reject(recording: Recording, code: str, *_: str) -> Reject:
    name = recording.embedding or recording.frames or ""
    error = Unusable(code, f"{recording.folder}/{name}", _FATAL[code])
    return reject(recording.utterance_id, recording.folder, error)


def _count(job: Job, utterance: Utterance, reading: Reading) -> None:
    utterance_id = utterance.recording.utterance_id
    known = job.known.get(utterance_id, UNKNOWN)
    if known.content_hash is not None:
        reading.updated.append(utterance_id)
    if known.rejected:
        reading.mended.append((utterance_id, printable(utterance.recording.folder)))
    if utterance.frames is not None:
        reading.frames.append(utterance.frames)


def _columns(
    job: Job, utterances: list[Utterance], norms: list[float | None], matrix: Floats
) -> pa.RecordBatch:
    schema = utterances_schema(job.dimension)
    results = [one.result for one in utterances]
    scores = list(zip(*[result.scores for result in results], strict=True)) or [()] * 9
    now = [time.time_ns() // 1000] * len(utterances)
    columns = [
        [one.recording.utterance_id for one in utterances],
        [printable(one.recording.folder) for one in utterances],
        [one.recorded_at for one in utterances],
        [result.recognized_at for result in results],
        [result.emotion for result in results],
        [result.emotion_raw for result in results],
        [result.confidence for result in results],
        *scores,
        [result.granularity for result in results],
        [one.audio.duration_s for one in utterances],
        [one.audio.sample_rate for one in utterances],
        [one.n_frames for one in utterances],
        _vector_column(matrix, np.array([one.embedding is None for one in utterances], bool)),
        norms,
        [one.warnings for one in utterances],
        [result.text for result in results],
        [one.content_hash for one in utterances],
        now,
        *(zip(*[result.sound for result in results], strict=True) if results else [()] * 4),
    ]
    arrays = [
        column if isinstance(column, pa.Array) else pa.array(column, field.type)
        for column, field in zip(columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _vector_column(matrix: Floats, missing: NDArray[np.bool_]) -> pa.Array:
    """Wrap the matrix without copying it; rows without a vector are NULL."""
    dimension = matrix.shape[1]
    if missing.any():
        filled = np.zeros((len(missing), dimension), np.float32)
        filled[~missing] = matrix
        return pa.FixedSizeListArray.from_arrays(
            pa.array(filled.ravel()), dimension, mask=pa.array(missing)
        )
    return pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), dimension)
