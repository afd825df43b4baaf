"""Which recordings are meant by what stands on the command line."""

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from e2vdb.errors import InputError
from e2vdb.ingest.layouts import AUDIO
from e2vdb.ingest.times import is_output_name

SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("wav", "flac", "ogg", "oga", "opus", "mp3", "m4a", "m4b", "mp4", "aac", "wma", "amr"),
        *("3gp", "webm", "mka", "aif", "aiff", "aifc", "au", "caf", "w64", "rf64"),
    )
)
"""Names that say "recording" where a folder is looked through; a file named may have any."""

LISTS = frozenset([".txt", ".lst", ".list", ".scp"])


def recordings(words: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """Return the recordings that files, folders, patterns and lists mean, each once, in order.

    Folders are looked through for known suffixes; output directories and hidden folders are
    left alone. What does not exist is returned too: the caller tells its user.
    """
    found: dict[str, Path] = {}
    for path in _meant(words):
        found.setdefault(os.path.realpath(path), Path(os.path.abspath(path)))  # noqa: PTH100
    return list(found.values())


def _meant(words: Iterable[str | os.PathLike[str]]) -> Iterator[Path]:
    for word in words:
        path = Path(word).expanduser()
        if path.is_dir():
            yield from _below(path)
        elif path.is_file() and path.suffix.lower() in LISTS:
            yield from _meant(_listed(path))
        elif path.exists() or not glob.has_magic(str(path)):
            yield path
        else:
            yield from _matching(str(path))


def _matching(pattern: str) -> Iterator[Path]:
    """Yield what a pattern matches, for shells that leave it as it is (Windows, cron)."""
    matches = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - patterns may be absolute
    if not matches:
        raise InputError(f"Nothing matches {pattern}.")
    for match in map(Path, matches):
        if match.is_dir():
            yield from _below(match)
        else:
            yield match


def _below(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(
            one for one in folders if not one.startswith(".") and not is_output_name(one)
        )
        if is_output_name(Path(place).name) and AUDIO in names:
            continue
        for name in sorted(names):
            if Path(name).suffix.lower() in SUFFIXES and not name.startswith("."):
                yield Path(place) / name


def _listed(path: Path) -> Iterator[Path]:
    """Yield the paths in a list, one a line, also in Kaldi's `key path`; # begins a remark."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a list of recordings: {error}.") from error
    for line in map(str.strip, lines):
        if not line or line.startswith("#"):
            continue
        whole, rest = Path(line).expanduser(), Path(line.split(maxsplit=1)[-1]).expanduser()
        if not whole.exists() and rest.exists():
            whole = rest
        if whole.is_file() and whole.suffix.lower() in LISTS:
            raise InputError(f"{path} names another list, {whole}; name recordings only.")
        yield whole
