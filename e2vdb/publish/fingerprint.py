"""What a published table was made from, as one short text: equal texts, equal tables."""

import hashlib
import json
from functools import cache
from importlib.metadata import version

import lance

from e2vdb.publish.parts import Job, Part, input_columns, inputs_of
from e2vdb.query.definitions import definitions, questions, read_sql
from e2vdb.store.vectors import fragment_key

FORMAT = 2
"""Counts up when the same inputs are published in another shape."""


def fingerprint(job: Job, part: Part, seen: dict[tuple[str, tuple[str, ...]], str]) -> str:
    """Return the fingerprint of a part; `seen` keeps those of stored tables.

    Made of the fragments of its inputs, for they are immutable: a version number alone says
    nothing once a database was made anew at the same place.
    """
    found = []
    for table, columns in inputs_of(part, job.options).items():
        if (table, columns) not in seen:
            seen[table, columns] = _contents(job.snapshot[table], columns)
        found.append(f"{table}={seen[table, columns]}")
    chosen = {name: getattr(job.options, name) for name in ("since", *part.options)}
    choices = json.dumps({**chosen, "timezone": job.timezone})
    return _digest([part.name, _program(), choices, *found])


def _contents(dataset: lance.LanceDataset, columns: tuple[str, ...]) -> str:
    schema = dataset.lance_schema
    names = input_columns(columns, dataset.schema.names)
    fields = {schema.field(name).id() for name in names}
    kinds = [str(dataset.schema.field(name)) for name in names]
    keys = [repr(fragment_key(one, fields)) for one in dataset.get_fragments()]
    return _digest([*kinds, *keys])


@cache
def _program() -> str:
    """Return what tells this e2vdb from one that might publish something else."""
    texts = (read_sql(name) for name in (*definitions(), *questions()))
    return _digest([str(FORMAT), version("e2vdb"), *texts])


def _digest(texts: list[str]) -> str:
    whole = hashlib.blake2b(digest_size=12)
    for text in texts:
        whole.update(text.encode())
        whole.update(b"\0")
    return whole.hexdigest()
