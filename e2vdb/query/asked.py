"""What an assessment is asked about: a vector, a file, a directory, a recording or a call."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from e2vdb.errors import InputError, UsageError
from e2vdb.head.head import read_head
from e2vdb.ingest.files import LocalFiles
from e2vdb.ingest.labels import EMOTIONS
from e2vdb.ingest.layouts import Folder, layouts, recordings_in
from e2vdb.ingest.recordings import read_recording
from e2vdb.ingest.rejects import Unusable
from e2vdb.query.functions import load_vector
from e2vdb.query.search import unit_vectors
from e2vdb.query.snapshot import Snapshot
from e2vdb.similarity.sketch import Doubles
from e2vdb.store.commits import one_of

Recognise = Callable[[Path], Any]
"""Recognises a recording: returns what has `embedding`, `emotion`, `scores` and `quality`."""

_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Asked:
    """A voice to assess: its vector (D,), and what is known of its feeling.

    `utterance_id` is that of a stored call, `quality` (0..1) that of a recording just heard.
    """

    vector: Doubles
    emotion: str | None = None
    scores: Mapping[str, float] | None = None
    utterance_id: str | None = None
    quality: float | None = None


def asked(what: Any, snapshot: Snapshot, recognise: Recognise) -> Asked:
    """Return what is to be assessed, its vector checked.

    A text is a stored call's id first, then a path. Raises `UsageError` or `InputError`.
    """
    if isinstance(what, str):
        stored = _stored(what, snapshot)
        if stored is not None:
            return stored
    if isinstance(what, str | os.PathLike):
        found = _at_path(os.fspath(what), snapshot.dimension, recognise)
    else:
        found = Asked(_numbers(what))
    unit_vectors(found.vector[None, :], snapshot.dimension)
    return found if found.emotion is not None else _with_head(found, snapshot)


def _numbers(what: Any) -> Doubles:
    try:
        vector: Doubles = np.asarray(what, np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(
            "assess takes a vector, a .npy file, an output directory, a recording or an "
            f"utterance id, not a {type(what).__name__}."
        ) from error
    if vector.ndim not in (1, 2) or (vector.ndim == 2 and len(vector) != 1):
        raise UsageError(f"assess takes one vector (D,), not an array of shape {vector.shape}.")
    return vector.reshape(-1)


def _stored(utterance_id: str, snapshot: Snapshot) -> Asked | None:
    """Return a stored call, None where there is none of that id."""
    if not utterance_id or "\0" in utterance_id:
        return None
    columns = ["embedding", "emotion", *EMOTIONS]
    wanted = one_of("utterance_id", [utterance_id])
    rows = snapshot["utterances"].to_table(columns=columns, filter=wanted).to_pylist()
    if not rows:
        return None
    row = rows[0]
    if row["embedding"] is None:
        raise UsageError(f"The utterance {utterance_id!r} has no embedding.")
    vector = np.asarray(row["embedding"], np.float64)
    return Asked(vector, row["emotion"], _scores(row), utterance_id)


def _at_path(text: str, dimension: int, recognise: Recognise) -> Asked:
    if not text.strip() or "\0" in text:
        raise UsageError(f"{text!r} is no path and no utterance id.")
    path = Path(text).expanduser()
    if path.is_dir():
        return _directory(path, dimension)
    if text.endswith(".npy"):
        return Asked(load_vector(text, dimension).astype(np.float64))
    if not path.exists():
        raise UsageError(f"There is no utterance {text!r}, and no file or directory of that name.")
    heard = recognise(path)
    vector = np.asarray(heard.embedding, np.float64)
    return Asked(vector, heard.emotion, dict(heard.scores) or None, quality=heard.quality.value)


def _directory(path: Path, dimension: int) -> Asked:
    """Read an output directory as ingest does."""
    folder = str(path.resolve())
    files = LocalFiles(folder)
    try:
        listing = files.list(folder)
        found = recordings_in(Folder(folder, path.resolve().name, listing.files), layouts())
        if len(found) != 1:
            count = "no recording" if not found else f"{len(found):,} recordings"
            raise InputError(f"{path} holds {count}; give the output directory of one.")
        read = read_recording(
            files, found[0], dimension=dimension, frames="none", tolerance=_TOLERANCE
        )
    except Unusable as error:
        raise InputError(f"{error.code}: {error.path}: {error.detail}") from error
    if read.embedding is None:
        raise InputError(f"{path} holds no embedding, only a result: there is nothing to compare.")
    scores = dict(zip(EMOTIONS, read.result.scores, strict=True))
    return Asked(np.asarray(read.embedding, np.float64), read.result.emotion, _scores(scores))


def _scores(row: Mapping[str, Any]) -> dict[str, float] | None:
    found = {one: float(row[one]) for one in EMOTIONS if row[one] is not None}
    return found or None


def _with_head(found: Asked, snapshot: Snapshot) -> Asked:
    """Let the stored classifier head say the emotion, where there is one."""
    head = read_head(snapshot["heads"])
    if head is None:
        return found
    values = head.scores(found.vector[None, :])[0]
    scores = dict(zip(EMOTIONS, map(float, values), strict=True))
    best = max(scores, key=scores.__getitem__)
    return Asked(found.vector, best, scores, found.utterance_id, found.quality)
