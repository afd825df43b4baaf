"""Functions that SQL gets from Python: reading a vector file, distilling a vector."""

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from e2vdb.errors import InputError
from e2vdb.ingest.files import LocalFiles
from e2vdb.ingest.npy import (
    HEAD,
    check_dimension,
    parse_header,
    read_vector,
    rest_of_vector,
)
from e2vdb.ingest.rejects import Unusable
from e2vdb.query.analysis_functions import ANALYSIS_FUNCTIONS
from e2vdb.query.registry import put_batched, put_function
from e2vdb.query.snapshot import Snapshot
from e2vdb.query.vector_functions import VECTOR_FUNCTIONS

FUNCTIONS = {
    "e2v_load": "e2v_load(path) -> FLOAT[D]: the vector of a .npy file, checked as by ingest",
    "e2v_distill": "e2v_distill(vector) -> FLOAT[d]: the distilled vector of an embedding",
    **ANALYSIS_FUNCTIONS,
    "e2v_embedding": "e2v_embedding(id) -> FLOAT[]: an utterance's embedding, looked up by its id",
    **VECTOR_FUNCTIONS,
}


BEGIN = "_statement_begins"
"""A condition of every view that is always true; see `Snapshot.begin`."""


def load_vector(path: str, dimension: int) -> np.ndarray:
    """Return the one vector of a .npy file, shape (D,), float32.

    Raises `InputError` that begins with the reject code ingest would give.
    """
    if not path.strip() or "\0" in path:
        raise InputError(f"unreadable_file: {path!r} is no path of a .npy file")
    file = Path(path).expanduser().absolute()
    files = LocalFiles(str(file.parent))
    try:
        data = files.read(str(file), HEAD)
        header = parse_header(data, str(file))
        check_dimension(header, dimension, str(file))
        if not header.is_vector:
            detail = f"holds {header.rows} frames, expected one vector"
            raise Unusable("wrong_dimension", str(file), detail)
        data = rest_of_vector(files, str(file), header, data)
        vector = read_vector(data, header, str(file))
        if not np.isfinite(vector).all():
            raise Unusable("not_finite", str(file), "holds NaN or infinity")
        if not vector.any():
            raise Unusable("all_zero", str(file), "every value is zero")
    except Unusable as error:
        raise InputError(f"{error.code}: {error.path}: {error.detail}") from error
    return vector


def register_functions(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> None:
    """Add the functions of a connection, in place of earlier ones.

    The lengths D and d are those of the snapshot now.
    """
    dimension = snapshot.dimension

    def begin() -> bool:
        snapshot.begin()
        return True

    def load(path: str) -> list[float]:
        vector: list[float] = load_vector(path, dimension).tolist()
        return vector

    put_function(connection, BEGIN, begin, [], "BOOLEAN")
    put_function(
        connection,
        "e2v_load",
        load,
        ["VARCHAR"],
        f"FLOAT[{dimension}]",
        side_effects=True,  # the file may change between two calls
    )
    distill = _Distill(snapshot)
    put_batched(
        connection,
        "e2v_distill",
        distill.__call__,
        [f"FLOAT[{dimension}]"],
        f"FLOAT[{distill.dimensions or ''}]",
        # NULLs come to the function too: DuckDB 1.5 takes them out and puts the answers back
        # on the wrong rows.
    )


class _Distill:
    """`e2v_distill` with the distiller of the statement's own snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._id, self._distiller = snapshot.distiller_id, snapshot.distiller()
        self.dimensions = 0 if self._distiller is None else self._distiller.dimensions

    def __call__(self, vectors: pa.ChunkedArray | pa.Array) -> pa.Array:
        """Return the distilled vectors of a column of embeddings, NULL for NULL."""
        if self._id != self._snapshot.distiller_id:
            self._id, self._distiller = self._snapshot.distiller_id, self._snapshot.distiller()
        if self._distiller is None:
            raise InputError(
                "There is no distiller yet: it is fitted when the database has 256 embeddings, "
                "or by `e2vdb distill`."
            )
        if self._distiller.dimensions != self.dimensions:
            raise InputError(
                f"Distilled vectors have {self._distiller.dimensions} dimensions since this "
                "connection was made; call db.connection() again."
            )
        column = vectors.combine_chunks() if isinstance(vectors, pa.ChunkedArray) else vectors
        return self._distiller.column(column)
