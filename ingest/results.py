"""Reading result.json in every shape that has been seen, into one."""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from e2vdb.ingest.labels import EMOTIONS, canonical
from e2vdb.ingest.rejects import Unusable
from e2vdb.ingest.sound import NO_SOUND, Sound, sound_of
from e2vdb.ingest.times import time_in_result

LIMIT = 64 << 20
"""Bytes past which a result.json is not believed."""

BOM = b"\xef\xbb\xbf"
MOST = 1.0001
"""What shares may reach by rounding; past it they are percentages."""
_PERCENT = " \t\r\n%％"

Scores = tuple[float | None, ...]
NO_SCORES: Scores = (None,) * len(EMOTIONS)


class FrameResult(NamedTuple):
    """What a result says of one moment of a recording."""

    start_s: float | None
    emotion: str | None
    scores: Scores


class Result(NamedTuple):
    """A result.json with canonical labels and scores between 0 and 1."""

    text: str | None = None
    emotion: str | None = None
    emotion_raw: str | None = None
    confidence: float | None = None
    scores: Scores = NO_SCORES
    granularity: str | None = None
    recognized_at: datetime | None = None
    frames: tuple[FrameResult, ...] = ()
    warnings: tuple[str, ...] = ()
    sound: Sound = NO_SOUND


NO_RESULT = Result()


_MALFORMED = (TypeError, ValueError, AttributeError, OverflowError, RecursionError)


def read_result(data: bytes, path: str) -> Result:
    """Return what a result file says. Raises `Unusable` with `bad_json`."""
    if len(data) > LIMIT:
        raise Unusable("bad_json", path, f"larger than {LIMIT >> 20} MB")
    text = _decode(data)
    document = _parse(text, path)
    try:
        return _interpret(document)._replace(text=text)
    except _MALFORMED as error:
        raise Unusable("bad_json", path, f"not a recognition result: {error}") from error


def _decode(data: bytes) -> str:
    try:
        return data.removeprefix(BOM).decode()
    except UnicodeDecodeError:
        # Chinese Windows machines save text as GBK; what is neither fails as JSON.
        return data.decode("gb18030", errors="replace")


def _parse(text: str, path: str) -> Mapping[str, Any]:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        reason = str(error).split(":")[0]
        raise Unusable("bad_json", path, reason if text.strip() else "the file is empty") from error
    if isinstance(document, list) and document and isinstance(document[0], dict):
        timed = "time" in document[0] or "start" in document[0]
        document = {"granularity": "frame", "frames": document} if timed else document[0]
    if not isinstance(document, dict):
        raise Unusable("bad_json", path, "not a JSON object")
    return document


def _interpret(document: Mapping[str, Any]) -> Result:
    raw, scores, confidence = _labels_of(document)
    emotion = canonical(raw) if raw is not None else None
    warnings: list[str] = []
    if raw is not None and emotion is None:
        warnings.append("unknown_label")
    own = scores[EMOTIONS.index(emotion)] if emotion else None
    if emotion and scores != NO_SCORES and not _is_largest(own, scores):
        warnings.append("label_mismatch")
    stamp = document.get("timestamp")
    recognized_at = time_in_result(stamp)
    if stamp is not None and recognized_at is None:
        warnings.append("unparsed_time")
    granularity = document.get("granularity")
    return Result(
        emotion=emotion,
        emotion_raw=raw,
        confidence=own if confidence is None else confidence,
        scores=scores,
        granularity=granularity if isinstance(granularity, str) else None,
        recognized_at=recognized_at,
        frames=_frames(document),
        warnings=tuple(warnings),
        sound=sound_of(document),
    )


def _is_largest(own: float | None, scores: Scores) -> bool:
    return own is not None and own >= max(score for score in scores if score is not None) - 1e-6


def _labels_of(document: Mapping[str, Any]) -> tuple[str | None, Scores, float | None]:
    """Return the emotion's name as written, the nine scores and the confidence, 0 to 1.

    Where no emotion is named, it is the one with the largest score.
    """
    raw = _first(document, ("emotion", "label", "top_emotion"))
    if raw is not None and not isinstance(raw, str):
        raise ValueError(f"emotion is {str(raw)[:40]!r}, not a name")
    labels, written = _pairs(document)
    shares = _shares(written)
    if raw is None and labels:
        raw = labels[shares.index(max(shares))]
    confidence = _first(document, ("confidence", "score"))
    return (
        raw,
        _nine_scores(labels, shares),
        None if confidence is None else _shares([confidence])[0],
    )


def _pairs(document: Mapping[str, Any]) -> tuple[list[str], list[Any]]:
    """Return labels and their scores as written; null counts as not given."""
    scores, listed = document.get("scores"), document.get("emotions")
    labels: list[Any]
    values: list[Any]
    if isinstance(scores, dict):
        labels, values = list(scores), list(scores.values())
    elif isinstance(scores, list):
        named = document.get("labels")
        if not isinstance(named, list) or len(named) != len(scores):
            raise ValueError("scores and labels differ in length")
        labels, values = named, scores
    elif scores is not None:
        raise ValueError("scores are neither an object nor a list")
    elif isinstance(listed, list):
        if not all(isinstance(entry, dict) for entry in listed):
            raise ValueError("emotions are not a list of objects")
        labels = [_first(entry, ("label", "emotion")) for entry in listed]
        values = [_first(entry, ("score", "confidence")) for entry in listed]
    else:
        return [], []
    if None in values or None in labels:
        pairs = zip(labels, values, strict=True)
        given = [(label, value) for label, value in pairs if None not in (label, value)]
        labels, values = [label for label, _ in given], [value for _, value in given]
    return list(map(str, labels)), values


def _first(document: Mapping[str, Any], names: Iterable[str]) -> Any:
    for name in names:
        if (value := document.get(name)) is not None:
            return value
    return None


def _shares(written: list[Any]) -> list[float]:
    """Return the scores of one result between 0 and 1.

    Bare numbers count as percent where one of them is past 1; `"85.3%"` says so by itself.
    """
    scores = [value if type(value) is float else _number(value) for value in written]
    if not scores or (min(scores) >= 0.0 and max(scores) <= 1.0):
        return scores
    scale = 100.0 if max(scores) > MOST else 1.0
    return [
        _share(score, 1.0 if _says_percent(value) else scale)
        for score, value in zip(scores, written, strict=True)
    ]


def _number(value: Any) -> float:
    """Return a score as written, what stands before a percent sign as a share."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"score {str(value)[:40]!r} is not a number")
    says_percent = _says_percent(value)
    number = float(str(value).strip(_PERCENT)) / 100 if says_percent else float(value)
    if not math.isfinite(number):
        raise ValueError(f"score {str(value)[:40]!r} is not a number")
    return number


def _says_percent(value: Any) -> bool:
    return isinstance(value, str) and value.rstrip().endswith(("%", "％"))


def _share(score: float, scale: float) -> float:
    share = score / scale
    if not -1e-6 <= share <= MOST:
        raise ValueError(f"score {score} is neither a share nor a percentage")
    return min(max(share, 0.0), 1.0)


def _nine_scores(labels: list[str], shares: list[float]) -> Scores:
    """Lay scores out in canonical order; of two spellings of one emotion the larger counts."""
    if not labels:
        return NO_SCORES
    found: dict[str, float] = {}
    for label, share in zip(labels, shares, strict=True):
        emotion = canonical(label)
        if emotion is not None:
            found[emotion] = max(share, found.get(emotion, 0.0))
    return tuple(map(found.get, EMOTIONS))


def _frames(document: Mapping[str, Any]) -> tuple[FrameResult, ...]:
    """Return per-frame results; documentation is inconsistent, so what does not fit is empty."""
    for name in ("frames", "results"):
        entries = document.get(name)
        if isinstance(entries, list) and entries:
            return tuple(_frame(entry) for entry in entries)
    return ()


def _frame(entry: Any) -> FrameResult:
    if not isinstance(entry, dict):
        return FrameResult(None, None, NO_SCORES)
    start = _first(entry, ("time", "start"))
    start_s = float(start) if isinstance(start, int | float) else None
    try:
        raw, scores, _ = _labels_of(entry)
    except _MALFORMED:
        return FrameResult(start_s, None, NO_SCORES)
    return FrameResult(start_s, canonical(raw) if raw is not None else None, scores)
