"""How close each call is to a reference set: blocked matrix products, in bounded memory."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

import lance
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from e2vdb.errors import UsageError
from e2vdb.references.profile import Profile
from e2vdb.store.vectors import Doubles, Floats, embedding_blocks, fragment_key, unit_rows

PASS, REVIEW = 0.75, 0.60
"""The article's thresholds, folklore: `e2vdb reference tune` proposes your own."""

_SETS_KEPT = 8
_SET_ROWS = 4096
_TIE = 5e-7
"""Cosines in single precision differ by less than this where the vectors are the same."""


@dataclass(frozen=True, slots=True)
class Closeness:
    """Calls and their closeness to a set, one element each.

    `nearest` counts within the profile's ids, -1 where the set has no other call.
    """

    ids: pa.Array
    similarity: Doubles
    nearest: NDArray[np.int64]
    nearest_similarity: Doubles


class QualityCheck:
    """Answers for whole tables; what was computed for a fragment is kept, about 50 bytes a call.

    A new version of the table computes only its new fragments, a changed set everything.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, dict[tuple[object, ...], Closeness]] = OrderedDict()
        self._lock = threading.Lock()

    def table(
        self, utterances: lance.LanceDataset, profile: Profile, least: tuple[float, float]
    ) -> pa.Table:
        """Return utterance_id, similarity, nearest_id, nearest_similarity, verdict.

        `least` are the similarities from which on a call passes and is worth a review.
        """
        parts = [quality_rows(one, profile, least) for one in self.closeness(utterances, profile)]
        return pa.concat_tables(parts) if parts else ROWS.empty_table()

    def closeness(self, utterances: lance.LanceDataset, profile: Profile) -> list[Closeness]:
        """Return the closeness of all calls, a fragment at a time."""
        schema = utterances.lance_schema
        fields = {schema.field(name).id() for name in ("utterance_id", "embedding")}
        fragments = {fragment_key(one, fields): one for one in utterances.get_fragments()}
        with self._lock:
            kept = self._kept.setdefault(profile.digest, {})
            self._kept.move_to_end(profile.digest)
            while len(self._kept) > _SETS_KEPT:
                self._kept.popitem(last=False)
            for key in kept.keys() - fragments.keys():
                del kept[key]
            for key in fragments.keys() - kept.keys():
                kept[key] = _fragment(fragments[key], profile)
            return [kept[key] for key in fragments]


ROWS = pa.schema(
    [
        ("utterance_id", pa.string()),
        ("similarity", pa.float64()),
        ("nearest_id", pa.string()),
        ("nearest_similarity", pa.float64()),
        ("verdict", pa.string()),
    ]
)


def quality_blocks(
    utterances: lance.LanceDataset, profiles: list[Profile], least: tuple[float, float]
) -> Iterator[tuple[str, pa.Table]]:
    """Yield a set's name and the rows of `QualityCheck.table` for a block of calls at a time.

    Every embedding is read once, whatever the number of sets, and nothing is kept.
    """
    for ids, vectors in embedding_blocks(utterances):
        units = unit_rows(vectors)
        for profile in profiles:
            yield profile.name, quality_rows(compare(ids, units, profile), profile, least)


def check_thresholds(least_pass: float, least_review: float) -> None:
    """Raise `UsageError` unless -1 <= review <= pass <= 1."""
    if not -1 <= least_review <= least_pass <= 1:
        raise UsageError(
            f"pass ({least_pass:g}) and review ({least_review:g}) must be cosines with "
            "-1 <= review <= pass <= 1."
        )


def _fragment(fragment: lance.LanceFragment, profile: Profile) -> Closeness:
    parts = [
        compare(ids, unit_rows(vectors), profile) for ids, vectors in embedding_blocks(fragment)
    ]
    if not parts:
        nothing = np.zeros(0)
        return Closeness(pa.array([], pa.string()), nothing, np.zeros(0, np.int64), nothing)
    return Closeness(
        pa.concat_arrays([part.ids for part in parts]),
        np.concatenate([part.similarity for part in parts]),
        np.concatenate([part.nearest for part in parts]),
        np.concatenate([part.nearest_similarity for part in parts]),
    )


def compare(ids: pa.Array, units: Floats, profile: Profile) -> Closeness:
    """Compare a block's units (n, D) with the mean, and with the set's calls a chunk at a time."""
    own = pc.fill_null(pc.index_in(ids, value_set=profile.ids), -1).to_numpy()
    best = np.full(len(units), -np.inf)
    nearest = np.full(len(units), -1, np.int64)
    for start in range(0, len(profile.units), _SET_ROWS):
        cosines = units @ profile.units[start : start + _SET_ROWS].T
        _leave_out_self(cosines, own - start)
        # Of equally near calls the one with the lowest id, whatever the rounding.
        found = (cosines >= cosines.max(axis=1, keepdims=True) - _TIE).argmax(axis=1)
        value = cosines[np.arange(len(units)), found].astype(np.float64)
        better = value > best + (_TIE if start else 0)
        best[better], nearest[better] = value[better], found[better] + start
    similarity = (units @ profile.mean.astype(np.float32)).astype(np.float64)
    return Closeness(ids, similarity, nearest, best)


def _leave_out_self(cosines: Floats, own: NDArray[np.int64]) -> None:
    rows = np.flatnonzero((own >= 0) & (own < cosines.shape[1]))
    cosines[rows, own[rows]] = -np.inf


def quality_rows(one: Closeness, profile: Profile, least: tuple[float, float]) -> pa.Table:
    """Return rows of `quality_check` for calls that were compared with a set."""
    alone = one.nearest < 0
    verdict = np.select(
        [one.similarity >= least[0], one.similarity >= least[1]], ["pass", "review"], "risk"
    )
    columns = [
        one.ids,
        pa.array(one.similarity),
        profile.ids.take(pa.array(one.nearest, mask=alone)),
        pa.array(one.nearest_similarity, mask=alone),
        pa.array(verdict, pa.string()),
    ]
    return pa.table(columns, schema=ROWS)
