"""One recording: its files read, checked and put together."""

import hashlib
from datetime import datetime
from typing import NamedTuple

import numpy as np

from e2vdb.ingest.files import FileSystem
from e2vdb.ingest.frames import FrameSource, mean_frame
from e2vdb.ingest.layouts import Recording
from e2vdb.ingest.npy import (
    HEAD,
    Floats,
    Header,
    check_dimension,
    parse_header,
    read_header,
    read_vector,
    rest_of_vector,
)
from e2vdb.ingest.rejects import Unusable
from e2vdb.ingest.results import LIMIT, NO_RESULT, Result, read_result
from e2vdb.ingest.times import time_in_name
from e2vdb.ingest.wav import UNKNOWN, Audio, read_audio

WAV_HEAD = 4096


class Utterance(NamedTuple):
    """A recording as read, before the checks that are made on many vectors at once."""

    recording: Recording
    recorded_at: datetime | None
    result: Result
    audio: Audio
    n_frames: int | None
    embedding: Floats | None
    frames: FrameSource | None
    warnings: list[str]
    content_hash: str


class _Vectors(NamedTuple):
    embedding: Floats | None
    frames_path: str | None
    frames_header: Header | None


def read_recording(
    files: FileSystem, recording: Recording, *, dimension: int, frames: str, tolerance: float
) -> Utterance:
    """Read all files of one recording. Raises `Unusable` with the reject's code.

    `frames` is `full`, `distilled` or `none`; `tolerance` bounds the difference between the
    vector and its frames' mean.
    """
    if not (recording.embedding or recording.frames or recording.result or recording.frame_result):
        raise Unusable("empty_directory", recording.folder, "holds no embedding and no result")
    digest = hashlib.blake2b(digest_size=16)
    vectors = _read_vectors(files, recording, dimension, digest)
    result = _read_results(files, recording, digest)
    audio = _read_audio(files, recording, digest)
    warnings = list(result.warnings)
    embedding, source = vectors.embedding, None
    if vectors.frames_path is not None and vectors.frames_header is not None:
        digest.update(f"frames {frames} {vectors.frames_header.rows}".encode())
        if frames != "none" or embedding is None:
            mean = mean_frame(files, vectors.frames_path, vectors.frames_header, digest)
            if embedding is None:
                embedding = mean
                warnings.append("embedding_from_frames")
            elif not np.allclose(embedding, mean, rtol=tolerance, atol=tolerance):
                warnings.append("frames_mismatch")
        if frames != "none":
            source = FrameSource(
                recording.utterance_id,
                vectors.frames_path,
                vectors.frames_header,
                embedding,
                result.frames,
            )
    if embedding is None:
        warnings.append("no_embedding")
    recorded_at = time_in_name(recording.name) or result.recognized_at
    if recorded_at is None and "unparsed_time" not in warnings:
        warnings.append("unparsed_time")
    return Utterance(
        recording,
        recorded_at,
        result,
        audio,
        vectors.frames_header.rows if vectors.frames_header else None,
        embedding,
        source,
        warnings,
        digest.hexdigest(),
    )


def _read_vectors(
    files: FileSystem, recording: Recording, dimension: int, digest: "hashlib.blake2b"
) -> _Vectors:
    """Tell the utterance's vector from frames by shape, whatever the file is called."""
    embedding: Floats | None = None
    frames_path: str | None = None
    frames_header: Header | None = None
    if recording.embedding is not None:
        path = f"{recording.folder}/{recording.embedding}"
        data = files.read(path, HEAD)
        header = parse_header(data, path)
        check_dimension(header, dimension, path)
        if header.is_vector:
            data = rest_of_vector(files, path, header, data)
            embedding = read_vector(data, header, path)
            digest.update(data)
        else:
            frames_path, frames_header = path, read_header(files, path)
    if recording.frames is not None:
        path = f"{recording.folder}/{recording.frames}"
        header = read_header(files, path)
        check_dimension(header, dimension, path)
        frames_path, frames_header = path, header
        if header.is_vector and embedding is None:
            data = rest_of_vector(files, path, header, files.read(path, HEAD))
            digest.update(data)
            return _Vectors(read_vector(data, header, path), None, None)
    return _Vectors(embedding, frames_path, frames_header)


def _read_results(files: FileSystem, recording: Recording, digest: "hashlib.blake2b") -> Result:
    """Read result.json, and result_frame.json for the frames or in its place."""
    result = NO_RESULT
    if recording.result is not None:
        result = _read_result(files, f"{recording.folder}/{recording.result}", digest)
    if recording.frame_result is not None:
        by_frame = _read_result(files, f"{recording.folder}/{recording.frame_result}", digest)
        if recording.result is None:
            return by_frame
        result = result._replace(frames=by_frame.frames or result.frames)
    return result


def _read_result(files: FileSystem, path: str, digest: "hashlib.blake2b") -> Result:
    data = files.read(path, LIMIT + 1)
    digest.update(b"result")
    digest.update(data)
    return read_result(data, path)


def _read_audio(files: FileSystem, recording: Recording, digest: "hashlib.blake2b") -> Audio:
    if recording.audio is None:
        return UNKNOWN
    path = f"{recording.folder}/{recording.audio}"
    head, size = files.read(path, WAV_HEAD), files.size(path)
    digest.update(head + size.to_bytes(8, "little"))
    return read_audio(head, size)
