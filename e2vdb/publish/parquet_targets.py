"""Putting Parquet publications in their places: one file, a folder, a file for a tool."""

from pathlib import Path

from e2vdb.publish.atlas import atlas_part
from e2vdb.publish.filling import nothing_new, wanted_parts
from e2vdb.publish.fingerprint import fingerprint
from e2vdb.publish.meta import Made
from e2vdb.publish.parquet import (
    check_folder,
    file_mark,
    known_tables,
    write_folder,
    write_table,
)
from e2vdb.publish.parts import PARTS, Job, Part
from e2vdb.publish.target import put_file, put_folder

Done = tuple[list[Made], tuple[str, ...]]


def publish_calls(job: Job, target: Path, workplace: Path) -> Done:
    """Publish the calls alone as one Parquet file."""
    return _publish_one(job, PARTS[0], target, workplace)


def publish_atlas(job: Job, target: Path, workplace: Path) -> Done:
    """Publish a map's calls as embedding-atlas reads them."""
    return _publish_one(job, atlas_part(job), target, workplace)


def publish_folder(job: Job, target: Path, workplace: Path) -> Done:
    """Publish every table as a Parquet file of a folder, which changes as a whole."""
    known = known_tables(job.connection, target)
    parts = wanted_parts(job)
    if nothing_new(parts, known):
        return list(known.values()), ()
    new = workplace / "new"
    new.mkdir()
    made = write_folder(job, new, parts, known, target)
    check_folder(new, made)
    put_folder(new, target, workplace)
    return made, tuple(one.name for one in made if known.get(one.name) != one)


def _publish_one(job: Job, part: Part, target: Path, workplace: Path) -> Done:
    text = fingerprint(job, part, {})
    if file_mark(job.connection, target) == text:
        rows = job.connection.execute(
            "SELECT num_rows FROM parquet_file_metadata(?)", [str(target)]
        ).fetchall()[0][0]
        return [Made.unchanged(part.name, rows, text)], ()
    file = workplace / f"{part.name}.parquet"
    made = write_table(job, part, text, file)
    check_folder(workplace, [made])
    put_file(file, target)
    return [made], (part.name,)
