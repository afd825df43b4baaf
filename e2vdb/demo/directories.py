"""Output directories as the WebUI writes them, first as bytes, then on disk."""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from e2vdb.demo.calls import Call
from e2vdb.demo.frames import Recording, frame_embeddings, utterance_embedding, wav_bytes
from e2vdb.demo.scores import Scores, draw_scores
from e2vdb.demo.voices import VoiceModel

CHUNK = 1024
EMBEDDING, FRAMES, RESULT = "embedding.npy", "frame_embeddings.npy", "result.json"
AUDIO = "processed_audio.wav"


@dataclass(frozen=True, slots=True)
class OutputDirectory:
    """A directory to be written: its path below `outputs/` and its files."""

    name: str
    files: Mapping[str, bytes]


def npy_bytes(array: NDArray[np.generic]) -> bytes:
    """Return the array as the bytes of a .npy file, without any pickle."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def result(call: Call, scores: Scores) -> dict[str, object]:
    """Return what the WebUI puts into result.json, marked as synthetic."""
    return {
        "emotion": call.emotion,
        "confidence": max(scores.values()),
        "scores": scores,
        "granularity": "utterance",
        "timestamp": f"{call.at + timedelta(seconds=call.job_s):%Y-%m-%d %H:%M:%S}",
        "synthetic": True,
    }


def json_bytes(content: object) -> bytes:
    """Return the content as an indented UTF-8 JSON file."""
    return json.dumps(content, ensure_ascii=False, indent=2).encode()


def call_directories(
    calls: Sequence[Call], recordings: Mapping[str, Recording], model: VoiceModel, seed: int
) -> Iterator[OutputDirectory]:
    """Yield the directory of every call; a thousand calls are held in memory at a time."""
    for start in range(0, len(calls), CHUNK):
        chunk = calls[start : start + CHUNK]
        rng = np.random.default_rng([seed, 4, start])
        embeddings, scores = model.embed(chunk, rng), draw_scores(chunk, rng)
        for call, embedding, nine in zip(chunk, embeddings, scores, strict=True):
            files = {EMBEDDING: npy_bytes(embedding[None, :])}
            if call.name in recordings:
                files = _frame_files(call, recordings[call.name], model, rng)
            yield OutputDirectory(call.name, files | {RESULT: json_bytes(result(call, nine))})


def _frame_files(
    call: Call, recording: Recording, model: VoiceModel, rng: np.random.Generator
) -> dict[str, bytes]:
    frames = frame_embeddings(call, recording, model, rng)
    return {
        EMBEDDING: npy_bytes(utterance_embedding(frames)),
        FRAMES: npy_bytes(frames),
        AUDIO: wav_bytes(recording, rng),
    }


def write_directory(root: Path, directory: OutputDirectory) -> None:
    """Create the directory below `root` and write those of its files that differ."""
    path = root / directory.name
    path.mkdir(parents=True, exist_ok=True)
    for name, content in directory.files.items():
        write_if_changed(path / name, content)


def write_if_changed(path: Path, content: bytes) -> None:
    """Write a file unless it holds these bytes already, so that an ingest sees it unchanged."""
    if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
        return
    path.write_bytes(content)
