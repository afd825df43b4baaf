"""Approximate search through LanceDB's own index, its distances always refined."""

from dataclasses import dataclass

import lance
import numpy as np

from e2vdb.errors import UsageError
from e2vdb.similarity.blocks import Block
from e2vdb.similarity.exact import Neighbors
from e2vdb.similarity.sketch import Doubles
from e2vdb.store.store import Store, storage_errors
from e2vdb.store.tables import UTTERANCES

INDEX = "embedding_idx"
FEWEST_ROWS = 5_000
"""Fewer vectors are searched exactly in a millisecond, and train no index."""

KINDS = ("IVF_RQ", "IVF_PQ", "IVF_SQ", "IVF_HNSW_SQ")


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard an approximate search tries: partitions probed, candidates refined a result."""

    nprobes: int = 20
    refine_factor: int = 5


def has_index(dataset: lance.LanceDataset) -> bool:
    """Whether the embeddings have a whole index."""
    return any(index.name == INDEX for index in dataset.describe_indices())


def build_index(store: Store, kind: str = "IVF_RQ", *, rebuild: bool = False) -> str:
    """Build the index, or take rows added since into the one there is; return what was done."""
    if kind not in KINDS:
        raise UsageError(f"The index kind must be one of {', '.join(KINDS)}, not {kind!r}.")
    dataset = store.dataset(UTTERANCES)
    with storage_errors(store.address):
        if has_index(dataset) and not rebuild:
            if not dataset.stats.index_stats(INDEX).get("num_unindexed_rows", 0):
                return "up to date"
            dataset.optimize.optimize_indices()
            return "updated"
        vectors = dataset.count_rows(filter="norm IS NOT NULL")  # embeddings are a thousand wider
        if vectors < FEWEST_ROWS:
            raise UsageError(
                f"An index needs {FEWEST_ROWS:,} embeddings, the database has {vectors:,}; "
                "exact search answers at once there."
            )
        dataset.create_index(
            "embedding",
            kind,
            name=INDEX,
            metric="cosine",
            num_partitions=max(1, int(np.sqrt(vectors))),
            replace=True,
            **({"num_bits": 1} if kind == "IVF_RQ" else {}),
        )
    return "built"


def drop_index(store: Store) -> None:
    """Remove the index; searches are exact from then on."""
    dataset = store.dataset(UTTERANCES)
    if not has_index(dataset):
        raise UsageError("There is no index to remove.")
    with storage_errors(store.address):
        dataset.drop_index(INDEX)


def search_index(
    dataset: lance.LanceDataset,
    blocks: list[Block],
    query: Doubles,
    k: int,
    effort: Effort,
) -> Neighbors:
    """Return about the k nearest rows of a unit query (D,), cosines from full vectors."""
    found = dataset.scanner(
        columns=["_distance"],
        nearest={
            "column": "embedding",
            "q": query.astype(np.float32),
            "k": k,
            "metric": "cosine",
            "nprobes": effort.nprobes,
            "refine_factor": effort.refine_factor,
        },
        with_row_address=True,
    ).to_table()
    addresses = found["_rowaddr"].to_numpy().astype(np.int64)
    rows = _rows(blocks, addresses >> 32, addresses & 0xFFFFFFFF)
    cosines = 1 - found["_distance"].to_numpy().astype(np.float64)
    order = np.lexsort((rows, -cosines))
    return Neighbors(rows[order], np.clip(cosines[order], -1.0, 1.0), len(rows))


def _rows(blocks: list[Block], fragments: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return the table rows that fragment ids and places in the fragments mean."""
    rows = np.empty(len(fragments), np.int64)
    start = 0
    for block in blocks:
        here = fragments == block.fragment_id
        if here.any():
            places = offsets[here]
            if block.offsets is not None:
                places = np.searchsorted(block.offsets, places)
            rows[here] = start + places
        start += len(block)
    return rows
