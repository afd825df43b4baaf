"""`db.references`: naming good calls, and tuning thresholds by labelled ones."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pyarrow.compute as pc

from e2vdb.errors import InputError, UsageError
from e2vdb.loading.keyed_file import KeyedRows, read_keyed_file
from e2vdb.references.profile import Profile, read_profile
from e2vdb.references.quality import QualityCheck
from e2vdb.references.sets import AddSummary, ReferenceSet, add, list_sets, members, remove
from e2vdb.references.tune import TOLERANCE, TuneReport, parse_label, tune
from e2vdb.store.store import Store
from e2vdb.store.tables import REFERENCE_SETS_TABLE, UTTERANCES

LABEL = "label"


@dataclass(frozen=True, slots=True)
class References:
    """The reference sets of one database.

    `ids_where` gives the ids that SQL over calls selects; `check_writable` raises where the past
    is being read.
    """

    store: Store
    ids_where: Callable[[str], list[str]]
    check_writable: Callable[[], None]

    def add(
        self,
        name: str,
        *,
        where: str | None = None,
        ids: Iterable[str] = (),
        wait: bool = True,
    ) -> AddSummary:
        """Put calls into a set: those that SQL over `calls` selects, and those named.

        Raises `UsageError` when that is no call, for unknown ids, and for SQL that fails.
        """
        self.check_writable()
        wanted = [*ids, *(self.ids_where(where) if where is not None else ())]
        if not wanted:
            what = "Name calls by ids or where" if where is None else f"No call matches {where!r}"
            raise UsageError(f"{what}; nothing was added to {name!r}.")
        return add(self.store, name, wanted, wait=wait)

    def remove(self, name: str, *, ids: Iterable[str] | None = None, wait: bool = True) -> int:
        """Take calls out of a set, or forget it whole; return how many left it."""
        self.check_writable()
        return remove(self.store, name, ids, wait=wait)

    def list(self) -> list[ReferenceSet]:
        """Return every set, by name."""
        return list_sets(self.store)

    def profile(self, name: str) -> Profile:
        """Return a set's unit vectors (m, D) and their mean (D,)."""
        sets = self.store.dataset(REFERENCE_SETS_TABLE)
        return read_profile(sets, self.store.dataset(UTTERANCES), name)

    def tune(
        self, name: str, labels: str | os.PathLike[str], tolerance: float = TOLERANCE
    ) -> TuneReport:
        """Propose thresholds from a file with `utterance_id` or `output_dir`, and `label`."""
        profile = self.profile(name)
        known = _labels(read_keyed_file(self.store, labels), os.fspath(labels))
        similarity: dict[str, float] = {}
        for part in QualityCheck().closeness(self.store.dataset(UTTERANCES), profile):
            kept = pc.is_in(part.ids, value_set=pc.cast(list(known), "string"))
            places = kept.to_numpy(zero_copy_only=False)
            similarity |= zip(
                part.ids.filter(kept).to_pylist(), part.similarity[places].tolist(), strict=True
            )
        sets = self.store.dataset(REFERENCE_SETS_TABLE)
        return tune(name, known, similarity, members(sets, name), tolerance)


def _labels(keyed: KeyedRows, file: str) -> dict[str, bool]:
    """Return which calls are good. Raises `InputError` without a column `label`."""
    names = {name.strip().lower(): name for name in keyed.rows.column_names}
    if LABEL not in names:
        columns = ", ".join(keyed.rows.column_names[1:])
        raise InputError(f"{file} has no column label (good or bad); its columns are {columns}.")
    column = keyed.rows[names[LABEL]].to_pylist()
    parsed = [parse_label(one) for one in column]
    ids = keyed.rows["utterance_id"].to_pylist()
    return {one: label for one, label in zip(ids, parsed, strict=True) if label is not None}
