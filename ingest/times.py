"""When a recording was made: from a directory's name or a result's time stamp."""

import re
from datetime import datetime

_IN_NAME = re.compile(r"(?<!\d)(\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)(\d\d)(?!\d)")
_WEBUI_NAME = re.compile(r"outputs_\d{8}_\d{6}(?:_\d+)?")


def time_in_name(name: str) -> datetime | None:
    """Return the local time in a name such as `outputs_20240104_223000`, else None."""
    for found in _IN_NAME.finditer(name):
        try:
            return datetime(*map(int, found.groups()))  # type: ignore[arg-type]
        except ValueError:
            continue
    return None


def is_output_name(name: str) -> bool:
    """Whether a directory is named as the WebUI names its outputs."""
    return _WEBUI_NAME.fullmatch(name) is not None


def time_in_result(value: object) -> datetime | None:
    """Return a result's time stamp as the clock on the wall showed it, else None.

    Names carry local time without a zone, so an offset is dropped rather than converted:
    both times of a row then speak of the same clock.
    """
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value.strip()).replace(tzinfo=None)
    except ValueError:
        return None
