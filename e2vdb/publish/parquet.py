"""Publications as Parquet, for tools without DuckDB: the calls alone, or a folder of tables."""

import json
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from e2vdb.errors import StorageError, UsageError
from e2vdb.publish.definitions import make_macros
from e2vdb.publish.filling import Known, check_count, fill_from, is_first, stored_tables
from e2vdb.publish.meta import Made, meta_tables
from e2vdb.publish.parts import Job, Part, inputs_of
from e2vdb.publish.source import literal
from e2vdb.publish.texts import TABLES

MARK = "e2vdb"
"""The key of a Parquet file's own metadata that tells what it was published from."""

ENDING = ".parquet"


def write_table(job: Job, part: Part, text: str, file: Path) -> Made:
    """Write one part as a Parquet file that carries its fingerprint."""
    fill_from(job, part)
    _copy(job.connection, part.select(job), file, text)
    count = _rows(job.connection, file)
    check_count(job, part, count)
    if part.name == "calls":
        _read_written_calls(job.connection, file)
    versions = {name: job.snapshot[name].version for name in inputs_of(part, job.options)}
    return Made(part.name, count, json.dumps(versions), datetime.now(UTC), text)


def write_folder(
    job: Job, folder: Path, parts: list[tuple[Part, str]], known: Known, old: Path
) -> list[Made]:
    """Fill a folder with every part and both meta tables, copying files that are unchanged."""
    make_macros(job.connection)
    made = []
    for part, text in sorted(parts, key=lambda one: not is_first(job, one[0])):
        file = folder / f"{part.name}{ENDING}"
        before = known.get(part.name)
        if before is not None and before.fingerprint == text:
            shutil.copyfile(old / file.name, file)
            made.append(before)
            if part.name == "calls":
                _read_written_calls(job.connection, file)
        else:
            made.append(write_table(job, part, text, file))
    for name in meta_tables(job, made, stored_tables(job, parts)):
        _copy(job.connection, f"FROM temp.{name}_rows", folder / f"{name}{ENDING}", name)
    return made


def check_folder(folder: Path, made: list[Made]) -> None:
    """Count the rows of finished files anew. Raises `StorageError` where one is not whole."""
    with duckdb.connect() as connection:
        for one in made:
            if _rows(connection, folder / f"{one.name}{ENDING}") != one.rows:
                raise StorageError(f"{one.name} was not written whole; nothing was published.")


def file_mark(connection: duckdb.DuckDBPyConnection, file: Path) -> str | None:
    """Return the fingerprint that a published Parquet file carries, None where there is no file.

    Raises `UsageError` for a file that is no publication of ours.
    """
    if not file.exists():
        return None
    marks = []
    with suppress(duckdb.Error):
        marks = connection.execute(
            "SELECT decode(value) FROM parquet_kv_metadata(?) WHERE decode(key) = ?",
            [str(file), MARK],
        ).fetchall()
    if not marks:
        raise UsageError(
            f"{file} is there and was not published by e2vdb; remove it or name another target."
        )
    return str(marks[0][0])


def known_tables(connection: duckdb.DuckDBPyConnection, folder: Path) -> Known:
    """Return the tables of the folder that is there, none where there is no or an empty one.

    Raises `UsageError` where it holds anything else than a publication of ours.
    """
    entries = sorted(folder.iterdir()) if folder.exists() else []
    if not entries:
        return {}
    ours = {f"{name}{ENDING}" for name in TABLES}
    foreign = [one.name for one in entries if one.name not in ours]
    if foreign:
        raise UsageError(f"{folder} holds other files ({foreign[0]}); name an empty or new folder.")
    try:
        rows = connection.execute(
            "SELECT table_name, rows, store_versions, made_at_utc, fingerprint FROM "
            f"read_parquet({literal(str(folder / f'meta_tables{ENDING}'))})"
        ).fetchall()
    except duckdb.Error as error:
        raise UsageError(
            f"{folder} was not published by e2vdb; name an empty or new folder."
        ) from error
    found = {
        name: Made(name, count, versions, made_at.replace(tzinfo=UTC), text)
        for name, count, versions, made_at, text in rows
    }
    return {
        name: one
        for name, one in found.items()
        if file_mark(connection, folder / f"{name}{ENDING}") == one.fingerprint
    }


def _copy(connection: duckdb.DuckDBPyConnection, select: str, file: Path, mark: str) -> None:
    connection.execute(
        f"COPY ({select}) TO {literal(str(file))} "
        f"(FORMAT parquet, COMPRESSION zstd, KV_METADATA {{{MARK}: {literal(mark)}}})"
    )


def _rows(connection: duckdb.DuckDBPyConnection, file: Path) -> int:
    found = connection.execute("SELECT num_rows FROM parquet_file_metadata(?)", [str(file)])
    count: int = found.fetchall()[0][0]
    return count


def _read_written_calls(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Let later tables read the calls where they are fast: in the new file."""
    connection.execute(
        'CREATE OR REPLACE VIEW calls AS SELECT * RENAME (at_local AS "at") '
        f"FROM read_parquet({literal(str(file))})"
    )
