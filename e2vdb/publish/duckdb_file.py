"""One publication as a DuckDB file: filled, described, checked."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from e2vdb.errors import StorageError, UsageError
from e2vdb.publish.comments import comment
from e2vdb.publish.definitions import make_definitions
from e2vdb.publish.filling import (
    Known,
    Wanted,
    check_count,
    fill_from,
    is_first,
    nothing_new,
    stored_tables,
    wanted_parts,
)
from e2vdb.publish.meta import Made, meta_tables, read_made
from e2vdb.publish.parts import Job, Part, inputs_of
from e2vdb.publish.source import literal
from e2vdb.publish.target import put_file
from e2vdb.query.definitions import read_sql

STORAGE_VERSION = "v1.0.0"
"""The oldest that any client in use still reads: DuckDB 1.1.3 opens it, 2.0 too."""

_MAGIC, _MAGIC_AT = b"........DUCK", 8
"""What every DuckDB file begins with, after a checksum."""

OLD, NEW = "old_file", "new_file"


def publish_file(job: Job, target: Path, workplace: Path) -> tuple[list[Made], tuple[str, ...]]:
    """Publish every table, macro and question as one DuckDB file."""
    known = _previous(job.connection, target, workplace)
    parts = wanted_parts(job)
    if nothing_new(parts, known):
        return list(known.values()), ()
    new = workplace / "new.duckdb"
    made = write_file(job, new, parts, known)
    check_file(new, made)
    put_file(new, target)
    return made, tuple(one.name for one in made if known.get(one.name) != one)


def _previous(connection: duckdb.DuckDBPyConnection, file: Path, workplace: Path) -> Known:
    """Return the tables of the file that is there, attached; none where there is no file.

    Raises `UsageError` for a file that is no publication of ours.
    """
    if not file.exists():
        return {}
    try:
        _attach(connection, file, workplace)
        return read_made(connection, OLD)
    except duckdb.Error as error:
        raise UsageError(
            f"{file} is there and was not published by e2vdb; remove it or name another target."
        ) from error


def _attach(connection: duckdb.DuckDBPyConnection, file: Path, workplace: Path) -> None:
    attach = "ATTACH {} AS " + OLD + " (READ_ONLY)"
    try:
        connection.execute(attach.format(literal(str(file))))
    except duckdb.Error:
        with file.open("rb") as stream:
            if stream.read(len(_MAGIC))[_MAGIC_AT:] != _MAGIC[_MAGIC_AT:]:
                raise
        # A client may have opened it for writing, which keeps others from opening it at all.
        copy = workplace / "old.duckdb"
        shutil.copyfile(file, copy)
        connection.execute(attach.format(literal(str(copy))))


def write_file(job: Job, file: Path, parts: Wanted, known: Known) -> list[Made]:
    """Make a file with every part, copying those that the attached old file has already."""
    connection = job.connection
    # No log is needed for a file that nobody opens before it is whole, and each comment would
    # wait for the disk.
    connection.execute(
        f"ATTACH {literal(str(file))} AS {NEW} "
        f"(STORAGE_VERSION '{STORAGE_VERSION}', RECOVERY_MODE no_wal_writes)"
    )
    for macro in ("is_clustering", "cluster_profiles"):
        connection.execute(read_sql(macro))
    made = [_fill(job, *one, known) for one in parts if is_first(job, one[0])]
    with _inside(connection):
        definitions = make_definitions(connection)
        made += [_fill(job, *one, known) for one in parts if one[0].derived]
    made += [_fill(job, *one, known) for one in parts if not one[0].whole(job.options)]
    with _inside(connection):
        for name in meta_tables(job, made, stored_tables(job, parts)):
            connection.execute(f"CREATE TABLE {name} AS FROM temp.{name}_rows")
        comment(connection, definitions)
    connection.execute(f"CHECKPOINT {NEW}")
    connection.execute(f"DETACH {NEW}")
    return made


def check_file(file: Path, made: list[Made]) -> None:
    """Open a finished file as any client would. Raises `StorageError` where it is not whole."""
    with duckdb.connect(file, read_only=True) as connection:
        for one in made:
            rows = connection.execute(f"SELECT count(*) FROM {one.name}").fetchall()[0][0]
            if rows != one.rows:
                raise StorageError(
                    f"The new file has {rows:,} rows in {one.name}, not the {one.rows:,} of the "
                    "database; nothing was published. Is the disk in order?"
                )


def _fill(job: Job, part: Part, text: str, known: Known) -> Made:
    old = known.get(part.name)
    if old is not None and old.fingerprint == text:
        _create(job, part, f"FROM {OLD}.{part.name}")
        return old
    fill_from(job, part)
    count = _create(job, part, part.select(job))
    check_count(job, part, count)
    if part.name == "calls":
        _read_published_calls(job.connection)
    versions = {name: job.snapshot[name].version for name in inputs_of(part, job.options)}
    return Made(part.name, count, json.dumps(versions), datetime.now(UTC), text)


def _create(job: Job, part: Part, select: str) -> int:
    text = f"CREATE TABLE {NEW}.{part.name} AS {select}"
    count: int = job.connection.execute(text).fetchall()[0][0]
    return count


def _read_published_calls(connection: duckdb.DuckDBPyConnection) -> None:
    """Let later tables read the calls where they are fast: in the new file."""
    connection.execute(
        f'CREATE OR REPLACE VIEW calls AS SELECT * RENAME (at_local AS "at") FROM {NEW}.calls'
    )


@contextmanager
def _inside(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    connection.execute(f"USE {NEW}")
    try:
        yield
    finally:
        connection.execute("USE memory")
