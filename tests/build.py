"""Small builders of output directories for all tests: `from build import write_output, vector`.

They use NumPy, json and wave only, so that what the package reads was not written by it.
"""

import io
import json
import wave
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

EMOTIONS = [
    "angry",
    "disgusted",
    "fearful",
    "happy",
    "neutral",
    "other",
    "sad",
    "surprised",
    "unknown",
]
DIMENSION = 1024
LEAVE_OUT = None
"""For the parts of `write_output` that a directory should not have."""


def vector(seed: int = 0, dimension: int = DIMENSION, norm: float = 20.0) -> np.ndarray:
    """A healthy utterance vector, shape (D,), float32: no warning is due for it."""
    values = np.random.default_rng(seed).standard_normal(dimension)
    return (values * norm / np.linalg.norm(values)).astype(np.float32)


def frames(
    count: int, seed: int = 0, dimension: int = DIMENSION, around: np.ndarray | None = None
) -> np.ndarray:
    """Frame vectors, shape (count, D), float32, scattered around an utterance's vector."""
    noise = np.random.default_rng(seed + 1_000_003).standard_normal((count, dimension)) * 0.1
    centre = vector(seed, dimension) if around is None else around
    return (centre + noise - noise.mean(axis=0)).astype(np.float32)


def scores(emotion: str = "happy", largest: float = 0.6) -> dict[str, float]:
    """The nine scores of a result, summing to 1, with one of them the largest."""
    rest = (1 - largest) / (len(EMOTIONS) - 1)
    return {name: largest if name == emotion else rest for name in EMOTIONS}


def result_document(emotion: str = "happy", largest: float = 0.6, **changes: Any) -> dict[str, Any]:
    """A result.json as the WebUI writes it; `changes` replace its keys."""
    return {
        "emotion": emotion,
        "confidence": largest,
        "scores": scores(emotion, largest),
        "granularity": "utterance",
        "timestamp": "2024-01-04 22:31:00",
        **changes,
    }


def frame_list(*emotions: str, step_s: float = 0.02) -> list[dict[str, Any]]:
    """Per-frame results as the WebUI's documentation describes them."""
    return [
        {"time": round(i * step_s, 6), "emotion": emotion, "scores": scores(emotion)}
        for i, emotion in enumerate(emotions)
    ]


def npy_bytes(array: Any, *, allow_pickle: bool = False) -> bytes:
    """What numpy.save writes for an array."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=allow_pickle)
    return stream.getvalue()


def write_npy(path: Path, array: Any) -> Path:
    """Write an array, or raw bytes where a test breaks the file; makes the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(array if isinstance(array, bytes) else npy_bytes(array))
    return path


def write_json(path: Path, document: Any, encoding: str = "utf-8") -> Path:
    """Write a document as JSON, or raw bytes where a test breaks the file; makes the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = isinstance(document, bytes)
    path.write_bytes(document if raw else json.dumps(document, ensure_ascii=False).encode(encoding))
    return path


def write_wav(path: Path, seconds: float = 1.0, rate: int = 16_000) -> Path:
    """Write silence as the WebUI's processed_audio.wav: mono, 16 bit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(b"\0\0" * round(seconds * rate))
    return path


def write_output(
    root: Path,
    name: str = "outputs_20240104_223000",
    *,
    embedding: Any = "healthy",
    frame_embeddings: Any = LEAVE_OUT,
    result: Any = "healthy",
    result_frame: Any = LEAVE_OUT,
    audio_s: float | None = LEAVE_OUT,
    seed: int = 0,
    dimension: int = DIMENSION,
) -> Path:
    """Write one output directory below `root` and return it.

    Each part is an array or document, raw bytes, or None for a file that is not there.
    """
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(embedding, str):
        embedding = vector(seed, dimension).reshape(1, dimension)
    if isinstance(result, str):
        result = result_document()
    if embedding is not None:
        write_npy(folder / "embedding.npy", embedding)
    if frame_embeddings is not None:
        write_npy(folder / "frame_embeddings.npy", frame_embeddings)
    if result is not None:
        write_json(folder / "result.json", result)
    if result_frame is not None:
        write_json(folder / "result_frame.json", result_frame)
    if audio_s is not None:
        write_wav(folder / "processed_audio.wav", audio_s)
    return folder


def write_flat(root: Path, name: str, arrays: Mapping[str, Any]) -> Path:
    """Write FunASR's flat folder, one `<key>.npy` a recording, and return it."""
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    for key, array in arrays.items():
        write_npy(folder / f"{key}.npy", array)
    return folder


def write_outputs(root: Path, count: int, *, dimension: int = DIMENSION, **parts: Any) -> list[str]:
    """Write `count` healthy directories, a minute apart, none like another; return their ids."""
    names = [f"outputs_20240104_{10 + i // 60:02}{i % 60:02}00" for i in range(count)]
    for seed, name in enumerate(names):
        emotion = EMOTIONS[seed % len(EMOTIONS)]
        given = {"result": result_document(emotion, 0.5 + seed % 40 / 100), **parts}
        write_output(root, name, seed=seed, dimension=dimension, **given)
    return names
