"""A recording that cannot become a row: one reason, said so that a person can act on it."""

from pathlib import Path

from e2vdb.errors import InputError
from e2vdb.ingest.names import printable

REASONS = {
    "unreadable_file": "the file is missing or may not be read",
    "unreadable_audio": "no audio that soundfile or PyAV can decode",
    "too_short": "under 25 ms, less than one frame",
    "silent": "no sample is louder than -66 dBFS",
    "no_such_channel": "the recording lacks the channel that was asked for",
}


class BadRecording(InputError):
    """A recording that is refused, with its path, a code of `REASONS` and the detail."""

    def __init__(self, path: Path, code: str, detail: str) -> None:
        super().__init__(f"{printable(str(path))}: {code}: {detail}.")
        self.path, self.code, self.detail = path, code, detail
