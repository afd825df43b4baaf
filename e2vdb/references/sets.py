"""Reference sets as they are stored: which calls a name stands for."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import lance
import pyarrow as pa
import pyarrow.compute as pc

from e2vdb.errors import UsageError
from e2vdb.store.commits import commit, find, stage
from e2vdb.store.lock import writer_lock
from e2vdb.store.store import Store
from e2vdb.store.tables import REFERENCE_SETS_TABLE, UTTERANCES

SHOWN = 5


@dataclass(frozen=True, slots=True)
class ReferenceSet:
    """A set's name, how many calls it names, and when the first and the last came in."""

    name: str
    calls: int
    first_added_at: datetime
    last_added_at: datetime


@dataclass(frozen=True, slots=True)
class AddSummary:
    """What adding did: calls new to the set, already in it, and without a vector to compare."""

    name: str
    added: int
    present: int
    without_embedding: int


def add(store: Store, name: str, ids: Iterable[str], *, wait: bool = True) -> AddSummary:
    """Put calls into a set, made where there is none of that name.

    Raises `UsageError` for an empty name, unknown ids, or when no call has an embedding.
    """
    wanted = sorted(set(ids))
    if not name.strip():
        raise UsageError("A reference set needs a name, not an empty text.")
    with writer_lock(store.address, wait=wait):
        store.create(store.dimension)
        usable = _with_embedding(store, wanted)
        if not usable:
            raise UsageError(f"No call to add to {name!r} has an embedding.")
        present = set(members(store.dataset(REFERENCE_SETS_TABLE), name))
        new = [one for one in usable if one not in present]
        _append(store, name, new)
    return AddSummary(name, len(new), len(usable) - len(new), len(wanted) - len(usable))


def _with_embedding(store: Store, wanted: list[str]) -> list[str]:
    """Return the ids that have a vector. Raises `UsageError` for ids of no utterance."""
    known = store.dataset(UTTERANCES).to_table(columns=["utterance_id", "norm"])
    places = pc.index_in(pa.array(wanted, pa.string()), value_set=known["utterance_id"])
    unknown = [one for one, place in zip(wanted, places.to_pylist(), strict=True) if place is None]
    if unknown:
        more = "" if len(unknown) <= SHOWN else f" and {len(unknown) - SHOWN} more"
        named = ", ".join(repr(one) for one in unknown[:SHOWN])
        raise UsageError(f"There is no utterance {named}{more} in {store.address}.")
    valid = pc.is_valid(known["norm"].take(places)).to_pylist()
    return [one for one, there in zip(wanted, valid, strict=True) if there]


def _append(store: Store, name: str, ids: list[str]) -> None:
    if not ids:
        return
    schema = store.dataset(REFERENCE_SETS_TABLE).schema
    moment = datetime.now(UTC)
    columns = {"name": [name] * len(ids), "utterance_id": ids, "added_at": [moment] * len(ids)}
    staged = stage(store.address, REFERENCE_SETS_TABLE, pa.table(columns, schema=schema), schema)
    commit(store, REFERENCE_SETS_TABLE, staged, {}, f"reference add {name}: {len(ids)} calls")


def remove(store: Store, name: str, ids: Iterable[str] | None = None, *, wait: bool = True) -> int:
    """Take calls out of a set, or forget it whole; return how many left it.

    Raises `UsageError` for an unknown set or ids that are not in it.
    """
    with writer_lock(store.address, wait=wait):
        store.create(store.dimension)
        sets = store.dataset(REFERENCE_SETS_TABLE)
        present = members(sets, name)
        check_known(sets, name, present)
        gone = present if ids is None else sorted(set(ids))
        strange = sorted(set(gone) - set(present))
        if strange:
            raise UsageError(f"{strange[0]!r} is not in the reference set {name!r}.")
        places = find(sets, ["name", "utterance_id"], [f"{name}\n{one}" for one in gone])
        commit(store, REFERENCE_SETS_TABLE, [], places, f"reference remove {name}")
    return len(gone)


def list_sets(store: Store) -> list[ReferenceSet]:
    """Return every set, by name."""
    rows = store.dataset(REFERENCE_SETS_TABLE).to_table()
    found = rows.group_by("name").aggregate(
        [("utterance_id", "count"), ("added_at", "min"), ("added_at", "max")]
    )
    return [
        ReferenceSet(
            row["name"], row["utterance_id_count"], row["added_at_min"], row["added_at_max"]
        )
        for row in found.sort_by("name").to_pylist()
    ]


def members(sets: lance.LanceDataset, name: str) -> list[str]:
    """Return the ids of a set, sorted; none for an unknown name."""
    rows = sets.to_table(columns=["name", "utterance_id"])
    ids: list[str] = rows.filter(pc.equal(rows["name"], name))["utterance_id"].to_pylist()
    return sorted(ids)


def check_known(sets: lance.LanceDataset, name: str, ids: list[str]) -> None:
    """Raise `UsageError` for a set without members: a name that was never added."""
    if ids:
        return
    names = sorted(set(sets.to_table(columns=["name"])["name"].to_pylist()))
    there = f"there are {', '.join(names)}" if names else "make one with `e2vdb reference add`"
    raise UsageError(f"There is no reference set {name!r}; {there}.")
