"""What filling a table has in common, whatever the form of the publication."""

from collections.abc import Mapping

from e2vdb.errors import StorageError
from e2vdb.publish.fingerprint import fingerprint
from e2vdb.publish.meta import Made
from e2vdb.publish.parts import PARTS, Job, Part, inputs_of
from e2vdb.publish.quality import quality_rows

Known = Mapping[str, Made]
"""The tables of the publication that is there, by name."""

Wanted = list[tuple[Part, str]]
"""Parts with the fingerprints of what they are made from now."""

_MIRRORED = {"calls": "utterances"} | {name: name for name in ("neighbors", "events", "rejects")}
"""Published tables that have a row for every row of a stored one."""


def wanted_parts(job: Job) -> Wanted:
    """Return the tables of a publication, each with the fingerprint of what it is made from."""
    seen: dict[tuple[str, tuple[str, ...]], str] = {}
    return [(part, fingerprint(job, part, seen)) for part in PARTS if part.wanted(job.options)]


def nothing_new(parts: Wanted, known: Known) -> bool:
    """Whether the publication that is there holds all of it already."""
    return known.keys() == {part.name for part, _ in parts} and all(
        known[part.name].fingerprint == text for part, text in parts
    )


def is_first(job: Job, part: Part) -> bool:
    """Whether a part is made before the macros are tried, which are to see whole tables."""
    return not part.derived and part.whole(job.options)


def fill_from(job: Job, part: Part) -> None:
    """Make ready what a part reads beside the relations."""
    if part.name == "quality":
        job.connection.register("_quality_rows", quality_rows(job.snapshot))


def check_count(job: Job, part: Part, count: int) -> None:
    """Compare a table that mirrors a stored one with what the storage says of itself."""
    stored = _MIRRORED.get(part.name)
    if stored is None or job.options.since:
        return
    rows = job.snapshot[stored].count_rows()
    if count != rows:
        raise StorageError(
            f"{part.name} came out with {count:,} rows where the database has {rows:,}; "
            "nothing was published."
        )


def stored_tables(job: Job, parts: Wanted) -> dict[str, int]:
    """Return the versions of the stored tables that were read."""
    names = sorted({table for part, _ in parts for table in inputs_of(part, job.options)})
    return {name: job.snapshot[name].version for name in names}
