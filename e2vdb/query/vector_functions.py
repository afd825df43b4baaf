"""Functions over whole columns of vectors: bands and the mask for poor audio."""

from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from e2vdb.bands import BANDS, DIMENSION, band_norms, robust
from e2vdb.errors import UsageError
from e2vdb.query.registry import put_batched
from e2vdb.store.vectors import Floats

VECTOR_FUNCTIONS = {
    "e2v_robust": "e2v_robust(vector, quality) -> FLOAT[1024]: masked where the audio is poor "
    "(quality below 0.4)",
    "e2v_bands": "e2v_bands(vector) -> STRUCT: the lengths of the article's four bands",
}
_BANDS = "STRUCT(" + ", ".join(f'"{name}" FLOAT' for name in BANDS) + ")"
_BAND_FIELDS = [pa.field(name, pa.float32()) for name in BANDS]


def register_vectors(connection: duckdb.DuckDBPyConnection) -> None:
    """Add the functions that turn vectors into vectors or figures."""
    functions: tuple[tuple[str, Callable[..., pa.Array], list[Any], str], ...] = (
        ("e2v_robust", _robust, ["FLOAT[]", "DOUBLE"], f"FLOAT[{DIMENSION}]"),
        ("e2v_bands", _bands, ["FLOAT[]"], _BANDS),
    )
    for name, function, parameters, returns in functions:
        put_batched(
            connection,
            name,
            function,
            parameters,
            returns,
        )


def vectors_of(column: Any, function: str, dimension: int, why: str) -> Floats:
    """Return a column of lists as (n, D) float32.

    Raises `UsageError` naming the function for NULL, NaN, infinity, zero or another length;
    `why` ends the sentence about the length.
    """
    lists = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if lists.null_count:
        raise UsageError(
            f"{function}: the vector is NULL; leave out calls without one "
            "(WHERE embedding IS NOT NULL)."
        )
    lengths = np.diff(lists.offsets.to_numpy())
    wrong = lengths[lengths != dimension]
    if len(wrong):
        raise UsageError(f"{function}: the vector has {wrong[0]} values, but {why}.")
    values = lists.flatten()
    vectors: Floats = values.to_numpy(zero_copy_only=False).reshape(len(lists), dimension)
    if values.null_count or not np.isfinite(vectors).all():
        raise UsageError(f"{function}: the vector holds NaN, NULL or infinity.")
    if not vectors.any(axis=1).all():
        raise UsageError(f"{function}: the vector is all zero and has no direction.")
    return vectors


_ONLY_LARGE = f"it is defined for the {DIMENSION} of plus_large only"


def _robust(vectors: pa.Array, qualities: pa.Array) -> pa.Array:
    quality = qualities.to_numpy(zero_copy_only=False).astype(np.float64)
    wrong = quality[~((quality >= 0) & (quality <= 1))]
    if len(wrong):
        named = "NULL or NaN" if np.isnan(wrong[0]) else f"{wrong[0]:g}"
        raise UsageError(f"e2v_robust: quality must be between 0 and 1, not {named}.")
    masked = robust(vectors_of(vectors, "e2v_robust", DIMENSION, _ONLY_LARGE), quality)
    if not np.isfinite(masked).all():
        raise UsageError("e2v_robust: a value times 1.3 is too large for a FLOAT.")
    return pa.FixedSizeListArray.from_arrays(pa.array(masked.ravel()), DIMENSION)


def _bands(vectors: pa.Array) -> pa.Array:
    norms = band_norms(vectors_of(vectors, "e2v_bands", DIMENSION, _ONLY_LARGE))
    columns = [pa.array(one) for one in norms.astype(np.float32).T]
    return pa.StructArray.from_arrays(columns, fields=_BAND_FIELDS)
