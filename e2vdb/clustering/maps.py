"""Two coordinates a call, so that feelings can be plotted."""

import numpy as np
import pyarrow as pa

from e2vdb.clustering.model import Floats
from e2vdb.errors import UsageError
from e2vdb.store.analysis_schemas import EMOTION_MAP
from e2vdb.store.commits import commit, find, stage
from e2vdb.store.store import Store
from e2vdb.store.tables import EMOTION_MAP_TABLE

METHODS = ("auto", "pca", "umap")
FEWEST_ROWS = 3


def coordinates(points: Floats, method: str = "auto", seed: int = 42) -> tuple[Floats, str]:
    """Return (n, 2) coordinates and the method that made them: UMAP where installed, else PCA.

    Raises `UsageError` for fewer than three points and for UMAP that is not there.
    """
    if method not in METHODS:
        raise UsageError(f"method must be one of {', '.join(METHODS)}, not {method!r}.")
    if len(points) < FEWEST_ROWS:
        raise UsageError(f"A map needs {FEWEST_ROWS} calls with vectors, not {len(points)}.")
    if method != "pca":
        try:
            from umap import UMAP
        except ImportError as error:
            if method == "umap":
                raise UsageError('UMAP is not installed: pip install "e2vdb[umap]"') from error
        else:
            return np.asarray(UMAP(random_state=seed).fit_transform(points), np.float32), "umap"
    from sklearn.decomposition import PCA

    flat = PCA(2, random_state=seed).fit_transform(points)
    return np.asarray(flat, np.float32), "pca"


def put_map(store: Store, name: str, utterance_ids: pa.ChunkedArray, flat: Floats) -> None:
    """Store a map in the place of an earlier one of that name, in one commit."""
    rows = pa.table(
        [pa.array([name] * len(flat)), utterance_ids, pa.array(flat[:, 0]), pa.array(flat[:, 1])],
        schema=EMOTION_MAP,
    )
    gone = find(store.dataset(EMOTION_MAP_TABLE), ["name"], [name])
    staged = stage(store.address, EMOTION_MAP_TABLE, rows, EMOTION_MAP)
    commit(store, EMOTION_MAP_TABLE, staged, gone, f"map {name}: {len(flat)} calls")
