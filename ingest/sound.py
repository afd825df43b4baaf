"""What a result says of the recording behind it: `e2vdb embed` writes it, others may."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Sound(NamedTuple):
    """Quality 0..1, the channel that was heard, the recording's name, the model; or None."""

    quality: float | None = None
    channel: str | None = None
    audio_file: str | None = None
    model: str | None = None


NO_SOUND = Sound()


def sound_of(document: Mapping[str, Any]) -> Sound:
    """Return what a result says of its recording; what is of another kind counts as not said."""
    quality: Any = document.get("quality")
    is_number = isinstance(quality, int | float) and not isinstance(quality, bool)
    return Sound(
        float(quality) if is_number and 0 <= quality <= 1 else None,
        _text(document.get("channel")),
        _text(document.get("audio_file")),
        _text(document.get("model")),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
