"""Alignments as they are stored: linear maps as Arrow rows, fitted or brought ready-made."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import lance
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from e2vdb.alignment.fit import Fit
from e2vdb.errors import UsageError
from e2vdb.store.commits import commit, find, replace
from e2vdb.store.store import Store
from e2vdb.store.tables import ALIGNMENTS_TABLE, TEXT_VECTORS_TABLE
from e2vdb.store.vectors import Floats

FIGURES = ("name", "width", "source", "pairs", "strength", "held_out_cosine", "baseline_cosine")


@dataclass(frozen=True, slots=True)
class AlignmentInfo:
    """What is known of an alignment; the figures of a fit are None for an imported matrix."""

    name: str
    width: int
    source: str
    pairs: int | None
    strength: float | None
    held_out_cosine: float | None
    baseline_cosine: float | None
    made_at: datetime


@dataclass(frozen=True, slots=True)
class LinearMap:
    """`weight` (m, D) and `intercept` (m,), both float32."""

    weight: Floats
    intercept: Floats

    @property
    def width(self) -> int:
        """The length m of a mapped vector."""
        return len(self.weight)

    def apply(self, vectors: NDArray[np.floating]) -> Floats:
        """Return the mapped vectors, (n, m) float32, of embeddings (n, D)."""
        mapped: Floats = vectors.astype(np.float32, copy=False) @ self.weight.T + self.intercept
        return mapped


def write_fit(store: Store, name: str, fitted: Fit) -> AlignmentInfo:
    """Store a fit under a name, in place of an earlier alignment of that name."""
    return _write(
        store,
        {
            "name": name,
            "width": len(fitted.weight),
            "source": "fit",
            "pairs": fitted.pairs,
            "strength": fitted.strength,
            "held_out_cosine": fitted.held_out_cosine,
            "baseline_cosine": fitted.baseline_cosine,
        },
        LinearMap(fitted.weight, fitted.intercept),
    )


def write_matrix(store: Store, name: str, matrix: Floats, source: str) -> AlignmentInfo:
    """Store a ready matrix (D, m), to be applied as `voice @ matrix`, under a name."""
    nothing = np.zeros(matrix.shape[1], np.float32)
    figures = {"name": name, "width": matrix.shape[1], "source": source}
    return _write(store, figures, LinearMap(np.ascontiguousarray(matrix.T), nothing))


def _write(store: Store, figures: dict[str, Any], made: LinearMap) -> AlignmentInfo:
    schema = store.dataset(ALIGNMENTS_TABLE).schema
    moment = datetime.now(UTC)
    row = {key: [figures.get(key)] for key in FIGURES}
    row |= {"made_at": [moment], "weight": [list(made.weight)], "intercept": [made.intercept]}
    why = f"alignment {figures['name']}: {made.width} values wide"
    replace(store, ALIGNMENTS_TABLE, ["name"], pa.table(row, schema=schema), why)
    known: dict[str, Any] = {key: figures.get(key) for key in FIGURES}
    return AlignmentInfo(**known, made_at=moment)


def list_alignments(alignments: lance.LanceDataset) -> list[AlignmentInfo]:
    """Return every alignment, by name."""
    rows = alignments.to_table(columns=[*FIGURES, "made_at"]).sort_by("name").to_pylist()
    return [AlignmentInfo(**row) for row in rows]


def read_map(alignments: lance.LanceDataset, name: str) -> LinearMap:
    """Return the map of an alignment. Raises `UsageError` for an unknown name."""
    check_known(alignments, name)
    rows = alignments.to_table(columns=["name", "weight", "intercept"])
    row = rows.filter(pc.equal(rows["name"], name)).slice(0, 1)
    intercept = row["intercept"].combine_chunks().flatten().to_numpy()
    weight = row["weight"].combine_chunks().flatten().flatten().to_numpy()
    return LinearMap(weight.reshape(len(intercept), -1), intercept)


def check_known(alignments: lance.LanceDataset, name: str) -> None:
    """Raise `UsageError` unless there is an alignment of this name."""
    names = sorted(alignments.to_table(columns=["name"])["name"].to_pylist())
    if name not in names:
        there = f"there are {', '.join(names)}" if names else "make one with `e2vdb align fit`"
        raise UsageError(f"There is no alignment {name!r}; {there}.")


def remove(store: Store, name: str) -> None:
    """Forget an alignment and its text vectors. Raises `UsageError` for an unknown name."""
    alignments = store.dataset(ALIGNMENTS_TABLE)
    check_known(alignments, name)
    for table in (TEXT_VECTORS_TABLE, ALIGNMENTS_TABLE):
        places = find(store.dataset(table), ["name"], [name])
        commit(store, table, [], places, f"align remove {name}")
