"""Functions that SQL gets from Python: reading a vector file, distilling a vector."""

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from duckdb.func import PythonUDFType

from e2vdb.distill.distiller import Distiller
from e2vdb.errors import InputError
from e2vdb.ingest.files import LocalFiles
from e2vdb.ingest.npy import HEAD, check_dimension, parse_header, read_vector
from e2vdb.ingest.rejects import Unusable
from e2vdb.query.snapshot import Snapshot
from e2vdb.query.vector_functions import VECTOR_FUNCTIONS

FUNCTIONS = {
    "e2v_load": "e2v_load(path) -> FLOAT[D]: the vector of a .npy file, checked as by ingest",
    "e2v_distill": "e2v_distill(vector) -> FLOAT[d]: the distilled vector of an embedding",
    **VECTOR_FUNCTIONS,
}


def load_vector(path: str, dimension: int) -> np.ndarray:
    """Return the one vector of a .npy file, shape (D,), float32.

    Raises `InputError` that begins with the reject code ingest would give.
    """
    file = Path(path).expanduser().absolute()
    files = LocalFiles(str(file.parent))
    try:
        data = files.read(str(file), HEAD)
        header = parse_header(data, str(file))
        check_dimension(header, dimension, str(file))
        if not header.is_vector:
            detail = f"holds {header.rows} frames, expected one vector"
            raise Unusable("wrong_dimension", str(file), detail)
        vector = read_vector(data, header, str(file))
        if not np.isfinite(vector).all():
            raise Unusable("not_finite", str(file), "holds NaN or infinity")
        if not vector.any():
            raise Unusable("all_zero", str(file), "every value is zero")
    except Unusable as error:
        raise InputError(f"{error.code}: {error.path} {error.detail}") from error
    return vector


def register_functions(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> None:
    """Add the functions of a connection; the lengths D and d are those of the snapshot."""
    dimension = snapshot.dimension
    connection.create_function(
        "e2v_load",
        lambda path: load_vector(path, dimension).tolist(),
        ["VARCHAR"],
        f"FLOAT[{dimension}]",
        side_effects=True,  # the file may change between two calls
    )
    register_distill(connection, snapshot)


def register_distill(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> None:
    """Add `e2v_distill` for the snapshot's distiller, in place of an earlier one."""
    distiller, dimension = snapshot.distiller(), snapshot.dimension
    size = "" if distiller is None else str(distiller.dimensions)

    def distill(vectors: pa.ChunkedArray) -> pa.Array:
        return _distill(vectors, distiller)

    connection.create_function(
        "e2v_distill",
        distill,
        [f"FLOAT[{dimension}]"],
        f"FLOAT[{size}]",
        type=PythonUDFType.ARROW,
    )


def _distill(vectors: pa.ChunkedArray, distiller: Distiller | None) -> pa.Array:
    if distiller is None:
        raise InputError(
            "There is no distiller yet: it is fitted when the database has 256 embeddings, "
            "or by `e2vdb distill`."
        )
    column = vectors.combine_chunks() if isinstance(vectors, pa.ChunkedArray) else vectors
    return distiller.column(column)
