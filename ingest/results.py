"""Reading result.json in every shape that has been seen, into one."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from e2vdb.ingest.labels import EMOTIONS, canonical
from e2vdb.ingest.rejects import Unusable
from e2vdb.ingest.times import time_in_result

LIMIT = 64 << 20
"""Bytes past which a result.json is not believed."""

BOM = b"\xef\xbb\xbf"

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


NO_RESULT = Result()


def read_result(data: bytes, path: str) -> Result:
    """Return what a result file says. Raises `Unusable` with `bad_json`."""
    if len(data) > LIMIT:
        raise Unusable("bad_json", path, f"larger than {LIMIT >> 20} MB")
    text = _decode(data)
    document = _parse(text, path)
    try:
        return _interpret(document)._replace(text=text)
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
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
        document = document[0]
        if _frame_list([document]):
            document = {"granularity": "frame", "frames": orjson.loads(text)}
    if not isinstance(document, dict):
        raise Unusable("bad_json", path, "not a JSON object")
    return document


def _interpret(document: Mapping[str, Any]) -> Result:
    raw, pairs, confidence = _labels_of(document)
    scale = _scale(score for _, score in pairs)
    scores = _nine_scores(pairs, scale)
    emotion = canonical(raw) if raw is not None else None
    warnings: list[str] = []
    if raw is None and pairs:
        raw = max(pairs, key=lambda pair: pair[1])[0]
        emotion = canonical(raw)
    elif raw is not None and emotion is None:
        warnings.append("unknown_label")
    own = scores[EMOTIONS.index(emotion)] if emotion else None
    if own is not None and own < max(score for score in scores if score is not None) - 1e-6:
        warnings.append("label_mismatch")
    stamp = document.get("timestamp")
    recognized_at = time_in_result(stamp)
    if stamp is not None and recognized_at is None:
        warnings.append("unparsed_time")
    granularity = document.get("granularity")
    return Result(
        emotion=emotion,
        emotion_raw=raw,
        confidence=own if confidence is None else _share(confidence, _scale([confidence])),
        scores=scores,
        granularity=granularity if isinstance(granularity, str) else None,
        recognized_at=recognized_at,
        frames=_frames(document),
        warnings=tuple(warnings),
    )


def _labels_of(
    document: Mapping[str, Any],
) -> tuple[str | None, list[tuple[str, float]], float | None]:
    """Return the named emotion, (label, score) pairs and the confidence, unscaled."""
    raw = _first(document, ("emotion", "label", "top_emotion"))
    if raw is not None and not isinstance(raw, str):
        raise ValueError(f"emotion is {str(raw)[:40]!r}, not a name")
    pairs = _pairs(document)
    confidence = _first(document, ("confidence", "score"))
    return raw, pairs, None if confidence is None else _number(confidence)


def _pairs(document: Mapping[str, Any]) -> list[tuple[str, float]]:
    scores = document.get("scores")
    if isinstance(scores, Mapping):
        return [(label, _number(score)) for label, score in scores.items()]
    if isinstance(scores, list):
        labels = document.get("labels")
        if not isinstance(labels, list) or len(labels) != len(scores):
            raise ValueError("scores and labels differ in length")
        return [(str(label), _number(score)) for label, score in zip(labels, scores, strict=True)]
    if isinstance(listed := document.get("emotions"), list):
        return [
            (
                str(_first(entry, ("label", "emotion"))),
                _number(_first(entry, ("score", "confidence"))),
            )
            for entry in listed
        ]
    if scores is not None:
        raise ValueError("scores are neither an object nor a list")
    return []


def _first(document: Mapping[str, Any], names: Iterable[str]) -> Any:
    for name in names:
        if (value := document.get(name)) is not None:
            return value
    return None


def _number(value: Any) -> float:
    """Return a score as written; `"85.3%"` and `85.3` are both screen values."""
    if type(value) is float:
        return value
    if isinstance(value, str):
        text = value.strip()
        return float(text[:-1]) if text.endswith("%") else float(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"score {str(value)[:40]!r} is not a number")
    return float(value)


def _scale(scores: Iterable[float]) -> float:
    """Return what the scores of one result must be divided by: 100 where they are percent."""
    return 100.0 if max(scores, default=0.0) > 1.0001 else 1.0


def _share(score: float, scale: float) -> float:
    share = score / scale
    if not -1e-6 <= share <= 1.0001:
        raise ValueError(f"score {score} is neither a share nor a percentage")
    return min(max(share, 0.0), 1.0)


def _nine_scores(pairs: list[tuple[str, float]], scale: float) -> Scores:
    if not pairs:
        return NO_SCORES
    found: dict[str, float] = {}
    for label, score in pairs:
        emotion = canonical(label)
        if emotion is not None:
            found[emotion] = score if scale == 1.0 and 0 <= score <= 1 else _share(score, scale)
    return tuple(map(found.get, EMOTIONS))


def _frame_list(value: Any) -> list[Mapping[str, Any]]:
    if not isinstance(value, list):
        return []
    return [
        entry
        for entry in value
        if isinstance(entry, Mapping) and ("time" in entry or "start" in entry)
    ]


def _frames(document: Mapping[str, Any]) -> tuple[FrameResult, ...]:
    """Return per-frame results; documentation is inconsistent, so what does not fit is skipped."""
    entries = _frame_list(document.get("frames")) or _frame_list(document.get("results"))
    return tuple(_frame(entry) for entry in entries)


def _frame(entry: Mapping[str, Any]) -> FrameResult:
    start = _first(entry, ("time", "start"))
    start_s = float(start) if isinstance(start, int | float) else None
    try:
        raw, pairs, _ = _labels_of(entry)
        scores = _nine_scores(pairs, _scale(score for _, score in pairs))
    except (TypeError, ValueError, AttributeError):
        return FrameResult(start_s, None, NO_SCORES)
    return FrameResult(start_s, canonical(raw) if raw is not None else None, scores)
