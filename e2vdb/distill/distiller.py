"""Applying a fitted PCA with NumPy alone, and keeping it as an Arrow row."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import lance
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from e2vdb.store.tables import DISTILLED, DISTILLER_MARK, distillers_schema

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Distiller:
    """A fitted PCA: `mean` (D,), `components` (d, D), both float32."""

    distiller_id: int
    mean: Floats
    components: Floats
    explained_variance_ratio: tuple[float, ...]
    fitted_rows: int
    fitted_at: datetime

    @property
    def dimensions(self) -> int:
        """The length d of a distilled vector."""
        return len(self.components)

    @property
    def variance_kept(self) -> float:
        """The share of the variance of unit vectors that d dimensions keep, 0..1."""
        return float(sum(self.explained_variance_ratio))

    @property
    def field(self) -> pa.Field:
        """The `distilled` column, marked with the distiller that made its values."""
        mark = {DISTILLER_MARK: str(self.distiller_id).encode()}
        return pa.field(DISTILLED, pa.list_(pa.float32(), self.dimensions), metadata=mark)

    def apply(self, embeddings: NDArray[Any]) -> Floats:
        """Return the distilled vectors, (n, d) float32, of embeddings (n, D) of any length."""
        return self.apply_unit(unit_length(embeddings))

    def apply_unit(self, unit: Floats) -> Floats:
        """Return the distilled vectors of unit vectors (n, D)."""
        projected: Floats = unit @ self.components.T
        projected -= self.components @ self.mean
        return projected

    def column(self, embeddings: pa.FixedSizeListArray) -> pa.FixedSizeListArray:
        """Return the `distilled` column for an `embedding` column; NULL and zeros give NULL."""
        present = embeddings.is_valid().to_numpy(zero_copy_only=False)
        return self._column(self.apply(matrix(embeddings)), present)

    def refit_column(
        self, embeddings: pa.FixedSizeListArray, distilled: pa.FixedSizeListArray, old: "Distiller"
    ) -> pa.FixedSizeListArray:
        """Return the `distilled` column where rows without an embedding have an older vector.

        The older vector stands for the embedding that it was made from, as far as it kept it.
        """
        restored = self._column(
            self.apply_unit(matrix(distilled) @ old.components + old.mean),
            distilled.is_valid().to_numpy(zero_copy_only=False),
        )
        choice = pa.array(np.arange(len(embeddings)))
        elsewhere = pc.add(choice, len(embeddings))
        both = pa.concat_arrays([self.column(embeddings), restored])
        return both.take(pc.if_else(embeddings.is_valid(), choice, elsewhere))

    def _column(self, vectors: Floats, present: NDArray[np.bool_]) -> pa.FixedSizeListArray:
        """Lay vectors (n, d) at the rows that are present; those that are not finite are NULL."""
        filled = np.zeros((len(present), self.dimensions), np.float32)
        filled[present] = vectors
        missing = ~present | ~np.isfinite(filled).all(axis=1)
        return pa.FixedSizeListArray.from_arrays(
            pa.array(filled.ravel()), self.dimensions, mask=pa.array(missing)
        )


def unit_length(vectors: NDArray[Any]) -> Floats:
    """Return float32 copies of vectors (n, D) at length 1; a vector of zeros becomes NaN."""
    unit = vectors.astype(np.float32)
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        lengths = np.sqrt(np.einsum("ij,ij->i", unit, unit))
        # Squares of very small or large values leave float32's range.
        odd = ~((lengths > _SHORTEST) & (lengths < np.inf))
        unit /= lengths[:, None]
        if odd.any():
            precise = vectors[odd].astype(np.float64)
            unit[odd] = precise / np.linalg.norm(precise, axis=1, keepdims=True)
    return unit


_SHORTEST = 1e-15


def matrix(embeddings: pa.FixedSizeListArray) -> NDArray[Any]:
    """Return the vectors of a column as (n, D), rows that are NULL left out."""
    values = embeddings.flatten().to_numpy(zero_copy_only=False)
    vectors: NDArray[Any] = values.reshape(-1, embeddings.type.list_size)
    return vectors


def to_row(distiller: Distiller) -> pa.Table:
    """Return the distiller as one row of the table `distillers`."""
    schema = distillers_schema(len(distiller.mean))
    components = [list(component) for component in distiller.components]
    return pa.table(
        [
            pa.array([distiller.distiller_id], pa.int32()),
            pa.array([distiller.dimensions], pa.int32()),
            pa.array([distiller.variance_kept]),
            pa.array([distiller.fitted_rows], pa.int64()),
            pa.array([distiller.fitted_at.astimezone(UTC)], schema.field("fitted_at").type),
            pa.array([list(distiller.mean)], schema.field("mean").type),
            pa.array([components], schema.field("components").type),
            pa.array([list(distiller.explained_variance_ratio)]),
        ],
        schema=schema,
    )


def from_row(row: dict[str, Any]) -> Distiller:
    """Return the distiller that a row of the table `distillers` describes."""
    return Distiller(
        row["distiller_id"],
        np.array(row["mean"], np.float32),
        np.array(row["components"], np.float32),
        tuple(row["explained_variance_ratio"]),
        row["fitted_rows"],
        row["fitted_at"],
    )


def read_distiller(
    distillers: lance.LanceDataset, distiller_id: int | None = None
) -> Distiller | None:
    """Return the newest distiller of the table or the one with this id, None without one."""
    ids = distillers.to_table(columns=["distiller_id"])["distiller_id"].to_pylist()
    if not ids:
        return None
    wanted = max(ids) if distiller_id is None else distiller_id
    found = distillers.to_table(filter=f"distiller_id = {wanted}").to_pylist()
    return from_row(found[0]) if found else None


def distiller_of(schema: pa.Schema) -> int | None:
    """Return which distiller a table's `distilled` column came from, None without one."""
    index = schema.get_field_index(DISTILLED)
    if index < 0:
        return None
    mark = (schema.field(index).metadata or {}).get(DISTILLER_MARK)
    return int(mark) if mark else None
