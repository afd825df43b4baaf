"""Writing one output directory: every file first, whole and on the disk, then its name."""

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson
from numpy.typing import NDArray

from e2vdb.audio.claims import Workshop
from e2vdb.audio.finished import Origin
from e2vdb.audio.head import ModelHead
from e2vdb.audio.recognition import Recognition
from e2vdb.ingest.labels import EMOTIONS
from e2vdb.ingest.layouts import EMBEDDING, FRAME_RESULT, FRAMES, RESULT
from e2vdb.ingest.results import LIMIT
from e2vdb.ingest.schema import SECONDS_PER_FRAME

Floats = NDArray[np.float32]
_DIGITS = 6
_HEAD = b'{"granularity":"frame","frames":['
_TAIL = b"]}\n"


class FrameFiles:
    """frame_embeddings.npy and result_frame.json, written block by block."""

    def __init__(self, folder: Path, frames: int, head: ModelHead | None) -> None:
        self._folder, self._head = folder, head
        self._written = 0
        self._vectors = (folder / FRAMES).open("wb")
        self._results: BinaryIO | None = None
        self._bytes = 0
        self._header = {"descr": "<f4", "fortran_order": False}
        self._frames = frames
        if head is not None:
            self._results = (folder / FRAME_RESULT).open("wb")
            self._bytes = self._results.write(_HEAD)

    def add(self, block: Floats) -> None:
        """Append the next frames' vectors (n, D) and emotions."""
        if not self._written:
            header = {**self._header, "shape": (self._frames, block.shape[1])}
            np.lib.format.write_array_header_1_0(self._vectors, header)
        self._vectors.write(np.ascontiguousarray(block, "<f4").tobytes())
        if self._results is not None and self._head is not None:
            self._add_results(self._results, self._head.scores(block))
        self._written += len(block)

    def _add_results(self, results: BinaryIO, scores: Floats) -> None:
        entries = _frame_results(scores, self._written)
        text = (b"," if self._written else b"") + orjson.dumps(entries)[1:-1]
        if self._bytes + len(text) + len(_TAIL) > LIMIT:
            # Past what a result may measure; the database's head gives these frames theirs.
            results.close()
            self._results = None
            (self._folder / FRAME_RESULT).unlink()
            return
        self._bytes += results.write(text)

    def close(self) -> None:
        """Finish both files."""
        if self._results is not None:
            self._results.write(_TAIL)
            self._results.close()
        self._vectors.close()


def _frame_results(scores: Floats, first: int) -> list[dict[str, Any]]:
    best = scores.argmax(axis=1)
    rounded = np.round(scores.astype(np.float64), _DIGITS).tolist()
    return [
        {
            "time": round((first + row) * SECONDS_PER_FRAME, 2),
            "emotion": EMOTIONS[best[row]],
            "scores": dict(zip(EMOTIONS, values, strict=True)),
        }
        for row, values in enumerate(rounded)
    ]


def write_results(folder: Path, found: Recognition, origin: Origin) -> None:
    """Write embedding.npy of shape (1, D) and result.json, as the WebUI would and more."""
    with (folder / EMBEDDING).open("wb") as stream:
        np.save(stream, found.embedding.reshape(1, -1), allow_pickle=False)
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    (folder / RESULT).write_bytes(orjson.dumps(_document(found, origin), option=options))


def _document(found: Recognition, origin: Origin) -> dict[str, Any]:
    emotion: dict[str, Any] = {}
    if found.emotion is not None:
        confidence = found.scores[found.emotion]
        emotion = {"emotion": found.emotion, "confidence": confidence, "scores": found.scores}
    quality = found.quality
    return {
        **emotion,
        "granularity": "utterance",
        "timestamp": datetime.now().strftime("%Y-%m-%d %H:%M:%S"),
        "audio_file": origin.audio_file,
        "channel": found.channel,
        "model": found.model,
        "model_revision": found.model_revision,
        "sample_rate_original": found.sample_rate_original,
        "bandwidth_hz": round(quality.bandwidth_hz),
        "quality": round(quality.value, 4),
        "snr_db": round(quality.snr_db, 1),
        "speech_share": round(quality.speech_share, 4),
        "clipped_share": round(quality.clipped_share, 6),
        "duration_s": round(found.duration_s, 3),
        "made_from": origin.made_from(),
    }


def publish(staging: Path, out: Path, workshop: Workshop, started: datetime) -> Path:
    """Give a finished folder its name: `outputs_YYYYMMDD_HHMMSS`, or that with _01, _02 and so on.

    Nobody sees it before, and no directory that is there already is touched.
    """
    _to_disk(staging)
    stem = started.strftime("outputs_%Y%m%d_%H%M%S")
    with workshop.naming():
        target, number = out / stem, 0
        while os.path.lexists(target):
            number += 1
            target = out / f"{stem}_{number:02d}"
        staging.rename(target)
    _sync(out)
    return target


def complete(staging: Path, folder: Path) -> Path:
    """Put files that a directory lacks into it, each whole, result.json last of all."""
    _to_disk(staging)
    for name in sorted((one.name for one in staging.iterdir()), key=lambda one: one == RESULT):
        (staging / name).replace(folder / name)
    _sync(folder)
    return folder


def _to_disk(folder: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb+") as stream:
            os.fsync(stream.fileno())
    _sync(folder)


def _sync(folder: Path) -> None:
    """Wait until a folder's list of names is on the disk, where the system knows how."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
