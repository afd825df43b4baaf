"""Whether the extra is installed, said in one sentence where it is not."""

from importlib.util import find_spec

from e2vdb.errors import UsageError

NEEDED = ("funasr", "torch", "silero_vad", "soundfile", "soxr", "av")
COMMAND = "pip install 'e2vdb[audio]'"


def check_installed() -> None:
    """Raise `UsageError` with the pip command where a library of the extra is missing."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"Listening to recordings needs {', '.join(missing)}; install with: {COMMAND}"
        )
