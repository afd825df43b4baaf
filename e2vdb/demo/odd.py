"""Directories that a reader keeps with a warning, two for each warning code."""

from collections.abc import Callable

import numpy as np

from e2vdb.demo.calls import Call
from e2vdb.demo.directories import EMBEDDING, FRAMES, RESULT, OutputDirectory, json_bytes, npy_bytes
from e2vdb.demo.frames import utterance_embedding
from e2vdb.demo.spare import SpareCalls
from e2vdb.demo.voices import Embeddings

Maker = Callable[[SpareCalls, Call, int], dict[str, bytes]]
"""Makes the files of the first (0) or second (1) directory of a code."""
WITHOUT_RESULT = "without_result"
"""Not a warning code: an embedding alone is a row without an emotion."""


def odd_directories(spare: SpareCalls) -> dict[str, list[OutputDirectory]]:
    """Return the odd directories by the one warning code that each deserves."""
    makers = {
        "out_of_range": _out_of_range,
        "norm_outlier": _norm_outlier,
        "frames_mismatch": _frames_mismatch,
        "label_mismatch": _label_mismatch,
        "no_embedding": _no_embedding,
        "embedding_from_frames": _embedding_from_frames,
        WITHOUT_RESULT: _without_result,
    }
    by_code = {code: _pair(make, spare) for code, make in makers.items()}
    return by_code | {"unparsed_time": [_unparsed_time(spare, i) for i in range(2)]}


def _pair(make: Maker, spare: SpareCalls) -> list[OutputDirectory]:
    calls = [spare.call(), spare.call()]
    return [OutputDirectory(f"odd/{c.name}", make(spare, c, i)) for i, c in enumerate(calls)]


def duplicate_pairs(spare: SpareCalls) -> list[tuple[OutputDirectory, OutputDirectory]]:
    """Return two originals, each with a byte-identical copy of a later name."""
    return [_duplicate_pair(spare) for _ in range(2)]


def _duplicate_pair(spare: SpareCalls) -> tuple[OutputDirectory, OutputDirectory]:
    call, later = spare.call(), spare.call()
    files = _good(spare, call, spare.embedding(call))
    return OutputDirectory(f"odd/{call.name}", files), OutputDirectory(f"odd/{later.name}", files)


def _good(spare: SpareCalls, call: Call, embedding: Embeddings) -> dict[str, bytes]:
    return {EMBEDDING: npy_bytes(embedding), RESULT: spare.result(call)}


def _out_of_range(spare: SpareCalls, call: Call, i: int) -> dict[str, bytes]:
    embedding = spare.embedding(call)
    embedding *= 18.0 / np.linalg.norm(embedding)
    embedding[0, 100 + i] = (6.5, -7.25)[i]
    return _good(spare, call, embedding)


def _norm_outlier(spare: SpareCalls, call: Call, i: int) -> dict[str, bytes]:
    embedding = spare.embedding(call)
    embedding *= (9.0, 31.0)[i] / np.linalg.norm(embedding)
    return _good(spare, call, embedding)


def _frames_mismatch(spare: SpareCalls, call: Call, _i: int) -> dict[str, bytes]:
    frames = npy_bytes(spare.frames(call))
    return _good(spare, call, spare.embedding(call)) | {FRAMES: frames}


def _label_mismatch(spare: SpareCalls, call: Call, i: int) -> dict[str, bytes]:
    wrong = spare.fields(call) | {"emotion": ("happy", "surprised")[i]}
    return {EMBEDDING: npy_bytes(spare.embedding(call)), RESULT: json_bytes(wrong)}


def _no_embedding(spare: SpareCalls, call: Call, _i: int) -> dict[str, bytes]:
    return {RESULT: spare.result(call)}


def _embedding_from_frames(spare: SpareCalls, call: Call, _i: int) -> dict[str, bytes]:
    return {FRAMES: npy_bytes(spare.frames(call)), RESULT: spare.result(call)}


def _without_result(spare: SpareCalls, call: Call, i: int) -> dict[str, bytes]:
    """The second one holds matching frames, too."""
    if not i:
        return {EMBEDDING: npy_bytes(spare.embedding(call))}
    frames = spare.frames(call)
    return {EMBEDDING: npy_bytes(utterance_embedding(frames)), FRAMES: npy_bytes(frames)}


def _unparsed_time(spare: SpareCalls, i: int) -> OutputDirectory:
    fields = spare.fields()
    del fields["timestamp"]
    files = {EMBEDDING: npy_bytes(spare.embedding()), RESULT: json_bytes(fields)}
    return OutputDirectory(f"odd/call_without_time_{i + 1}", files)
