"""Publishing as one verb: look at what is there, make what is new, put it in its place."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from e2vdb.errors import StorageError, UsageError
from e2vdb.publish.duckdb_file import publish_file
from e2vdb.publish.meta import Made
from e2vdb.publish.options import EMBEDDING_ATLAS, PublishOptions, format_of, since_text
from e2vdb.publish.parquet_targets import publish_atlas, publish_calls, publish_folder
from e2vdb.publish.parts import Job
from e2vdb.publish.source import source
from e2vdb.publish.target import check_place, workplace
from e2vdb.query.snapshot import Snapshot

Done = tuple[list[Made], tuple[str, ...]]
"""The tables of a publication, and the names of those that were computed."""

_FORMATS: dict[str, Callable[[Job, Path, Path], Done]] = {
    "duckdb": publish_file,
    "parquet": publish_calls,
    "folder": publish_folder,
    "embedding-atlas": publish_atlas,
}


@dataclass(frozen=True, slots=True)
class PublishSummary:
    """What a publication did; `computed` names the tables that were not copied."""

    target: Path
    calls: int
    tables: tuple[str, ...]
    computed: tuple[str, ...]
    seconds: float
    bytes: int

    @property
    def nothing_new(self) -> bool:
        """Whether the target held all of it already and was left alone."""
        return not self.computed


def publish(
    snapshot: Snapshot,
    target: str,
    options: PublishOptions,
    *,
    tool: str | None = None,
    wait: bool = True,
) -> PublishSummary:
    """Publish what a snapshot shows; see `Database.publish`."""
    started = time.monotonic()
    form = format_of(target, tool)
    if options.map is not None and form != EMBEDDING_ATLAS:
        raise UsageError(
            f"--map chooses the map for {EMBEDDING_ATLAS}; give --for {EMBEDDING_ATLAS}."
        )
    path = Path(target).expanduser().resolve()
    check_place(path, snapshot.address.folder)
    if form != "folder" and path.is_dir():
        raise UsageError(f"{path} is a folder; name a file in it, such as {path / 'bi.duckdb'}.")
    if form == "folder" and path.is_file():
        raise UsageError(f"{path} is a file; name a folder.")
    with workplace(path, wait=wait) as folder:
        try:
            with source(snapshot, folder, since_text(options.since)) as connection:
                zone = _timezone(connection, options.timezone)
                job = Job(connection, snapshot, options, zone)
                made, computed = _FORMATS[form](job, path, folder)
        except duckdb.Error as error:
            if "KeyboardInterrupt" in str(error):
                raise KeyboardInterrupt from error
            raise StorageError(
                f"Publishing {path} failed: {_reason(error)}. What was there before is as it was."
            ) from error
        except RuntimeError as error:
            if "interrupted" not in str(error):
                raise
            raise KeyboardInterrupt from error  # what Ctrl-C becomes inside a query
    return PublishSummary(
        target=path,
        calls=made[0].rows,
        tables=tuple(one.name for one in made),
        computed=computed,
        seconds=time.monotonic() - started,
        bytes=_size(path),
    )


def _reason(error: duckdb.Error) -> str:
    """Return the sentence of an error: of one in our own streams, the last line, else the first."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1 if "Python exception" in lines[0] else 0].rstrip(".")


def _size(path: Path) -> int:
    files = [path] if path.is_file() else list(path.iterdir())
    return sum(file.stat().st_size for file in files)


def _timezone(connection: duckdb.DuckDBPyConnection, wanted: str | None) -> str:
    """Return the zone of the calls' local times. Raises `UsageError` for one that is not known."""
    if wanted is None:
        found = connection.execute("SELECT current_setting('TimeZone')").fetchall()
        return str(found[0][0])
    try:
        connection.execute("SELECT now() AT TIME ZONE ?", [wanted]).fetchall()
    except duckdb.Error as error:
        raise UsageError(
            f"There is no time zone {wanted!r}; give one such as Asia/Shanghai."
        ) from error
    return wanted
