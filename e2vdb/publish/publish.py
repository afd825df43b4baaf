"""Publishing as one verb: look at what is there, make what is new, put it in its place."""

import time
from dataclasses import dataclass
from pathlib import Path

import duckdb

from e2vdb.errors import StorageError, UsageError
from e2vdb.publish.duckdb_file import OLD, check_file, wanted_parts, write_file
from e2vdb.publish.meta import Made, read_made
from e2vdb.publish.options import PublishOptions, format_of, since_text
from e2vdb.publish.parts import Job
from e2vdb.publish.source import literal, source
from e2vdb.publish.target import check_place, put_file, workplace
from e2vdb.query.snapshot import Snapshot


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
    snapshot: Snapshot, target: str, options: PublishOptions, *, wait: bool = True
) -> PublishSummary:
    """Publish what a snapshot shows; see `Database.publish`."""
    started = time.monotonic()
    format_of(target, None)
    path = Path(target).expanduser().resolve()
    check_place(path, snapshot.address.folder)
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name a file in it, such as {path}/bi.duckdb.")
    with workplace(path, wait=wait) as folder:
        try:
            made, computed = _publish_file(snapshot, path, options, folder)
        except duckdb.Error as error:
            reason = str(error).split("\n", 1)[0]
            raise StorageError(
                f"Publishing {path} failed: {reason}. What was there before is as it was."
            ) from error
    return PublishSummary(
        target=path,
        calls=next(one.rows for one in made if one.name == "calls"),
        tables=tuple(one.name for one in made),
        computed=computed,
        seconds=time.monotonic() - started,
        bytes=path.stat().st_size,
    )


def _publish_file(
    snapshot: Snapshot, path: Path, options: PublishOptions, folder: Path
) -> tuple[list[Made], tuple[str, ...]]:
    new = folder / "new.duckdb"
    with source(snapshot, folder, since_text(options.since)) as connection:
        job = Job(connection, snapshot, options, _timezone(connection, options.timezone))
        known = _previous(connection, path)
        parts = wanted_parts(job)
        if known.keys() == {part.name for part, _ in parts} and all(
            known[part.name].fingerprint == text for part, text in parts
        ):
            return list(known.values()), ()
        made = write_file(job, new, parts, known)
    check_file(new, made)
    put_file(new, path)
    return made, tuple(one.name for one in made if known.get(one.name) != one)


def _previous(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, Made]:
    """Return the tables of the file that is there, attached; none where there is no file.

    Raises `UsageError` for a file that is no publication of ours.
    """
    if not path.exists():
        return {}
    try:
        connection.execute(f"ATTACH {literal(str(path))} AS {OLD} (READ_ONLY)")
        return read_made(connection, OLD)
    except duckdb.Error as error:
        raise UsageError(
            f"{path} is there and was not published by e2vdb; remove it or name another target."
        ) from error


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
