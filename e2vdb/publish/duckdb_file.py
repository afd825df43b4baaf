"""One publication as a DuckDB file: filled, described, checked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from e2vdb.errors import StorageError
from e2vdb.publish.comments import comment
from e2vdb.publish.definitions import make_definitions
from e2vdb.publish.fingerprint import fingerprint
from e2vdb.publish.meta import Made, write_meta
from e2vdb.publish.parts import PARTS, Job, Part, inputs_of
from e2vdb.publish.quality import quality_rows
from e2vdb.publish.source import literal
from e2vdb.query.definitions import read_sql

STORAGE_VERSION = "v1.0.0"
"""The oldest that any client in use still reads: DuckDB 1.1.3 opens it, 2.0 too."""

OLD, NEW = "old_file", "new_file"


def wanted_parts(job: Job) -> list[tuple[Part, str]]:
    """Return the tables of a publication, each with the fingerprint of what it is made from."""
    seen: dict[tuple[str, tuple[str, ...]], str] = {}
    return [(part, fingerprint(job, part, seen)) for part in PARTS if part.wanted(job.options)]


def write_file(
    job: Job, file: Path, parts: list[tuple[Part, str]], known: dict[str, Made]
) -> list[Made]:
    """Make a file with every part, copying those that the attached old file has already."""
    connection = job.connection
    connection.execute(
        f"ATTACH {literal(str(file))} AS {NEW} (STORAGE_VERSION '{STORAGE_VERSION}')"
    )
    for macro in ("is_clustering", "cluster_profiles"):
        connection.execute(read_sql(macro))
    made = [_fill(job, *one, known) for one in parts if _first(job, one[0])]
    with _inside(connection):
        definitions = make_definitions(connection)
        made += [_fill(job, *one, known) for one in parts if one[0].derived]
    made += [_fill(job, *one, known) for one in parts if not one[0].whole(job.options)]
    with _inside(connection):
        versions = {name: job.snapshot[name].version for name in _stored(parts, job)}
        write_meta(job, made, versions)
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
        views = connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal")
        for (view,) in views.fetchall():
            connection.execute(f"DESCRIBE FROM {view}")


def _first(job: Job, part: Part) -> bool:
    """Whether a part is made before the definitions are tried: they are to see whole tables."""
    return not part.derived and part.whole(job.options)


def _fill(job: Job, part: Part, text: str, known: dict[str, Made]) -> Made:
    old = known.get(part.name)
    if old is not None and old.fingerprint == text:
        _create(job, part, f"FROM {OLD}.{part.name}")
        return old
    if part.name == "quality":
        job.connection.register("_quality_rows", quality_rows(job.snapshot))
    count = _create(job, part, part.select(job))
    _check_count(job, part, count)
    if part.name == "calls":
        _read_published_calls(job.connection)
    versions = {name: job.snapshot[name].version for name in inputs_of(part, job.options)}
    return Made(part.name, count, json.dumps(versions), datetime.now(UTC), text)


def _create(job: Job, part: Part, select: str) -> int:
    text = f"CREATE TABLE {NEW}.{part.name} AS {select}"
    count: int = job.connection.execute(text).fetchall()[0][0]
    return count


def _check_count(job: Job, part: Part, count: int) -> None:
    """Compare a table that mirrors a stored one with what the storage says of itself."""
    if job.options.since or part.name not in ("calls", "neighbors", "events", "rejects"):
        return
    stored = job.snapshot["utterances" if part.name == "calls" else part.name].count_rows()
    if count != stored:
        raise StorageError(
            f"{part.name} came out with {count:,} rows where the database has {stored:,}; "
            "nothing was published."
        )


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


def _stored(parts: list[tuple[Part, str]], job: Job) -> list[str]:
    return sorted({table for part, _ in parts for table in inputs_of(part, job.options)})
