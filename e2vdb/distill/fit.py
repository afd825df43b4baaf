"""Fitting a PCA to a sample of the database, and giving every row its new vector."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib import import_module
from threading import Thread

import lance
import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from e2vdb.distill.distiller import (
    Distiller,
    Floats,
    distiller_of,
    matrix,
    read_distiller,
    to_row,
    unit_length,
)
from e2vdb.errors import UsageError
from e2vdb.store.commits import commit, stage
from e2vdb.store.store import Store, storage_errors
from e2vdb.store.tables import DISTILLED, DISTILLERS, FRAMES, UTTERANCES, Table

FEWEST_ROWS = 256
SAMPLE_ROWS = 16_384
"""Rows that a fit looks at: enough for a 1024 x 1024 covariance, whatever the table's size."""

_BLOCKS = 64
_BATCH = 4096


def import_ahead() -> None:
    """Import scikit-learn in the background: it takes most of a second, which `fit` then saves."""
    Thread(target=import_module, args=("sklearn.decomposition",), daemon=True).start()


def fit(store: Store, variance: float) -> Distiller:
    """Fit a PCA that keeps `variance` (0..1) to an even sample of the embeddings, and store it.

    Raises `UsageError` for fewer than 256 embeddings.
    """
    sample = sample_embeddings(store)
    if len(sample) < FEWEST_ROWS:
        raise UsageError(
            f"A distiller needs {FEWEST_ROWS} embeddings; the database has {len(sample)}."
        )
    known = read_distiller(store.dataset(DISTILLERS))
    distiller = fit_sample(sample, variance, distiller_id=known.distiller_id + 1 if known else 1)
    row = to_row(distiller)
    why = f"distiller {distiller.distiller_id}: {distiller.dimensions} dimensions"
    commit(store, DISTILLERS, stage(store.address, DISTILLERS, row, row.schema), {}, why)
    return distiller


def fit_sample(sample: Floats, variance: float, distiller_id: int = 0) -> Distiller:
    """Fit a PCA to unit-length copies of the sample's rows, shape (n, D)."""
    from sklearn.decomposition import PCA

    unit = unit_length(sample)
    # Exact, and for many more rows than columns several times faster than the full solver. On a
    # busy machine BLAS threads wait for one another: 20 s were seen for what one does in 0.5 s.
    with threadpool_limits(1):
        pca = PCA(variance if variance < 1 else None, svd_solver="covariance_eigh").fit(unit)
    return Distiller(
        distiller_id,
        pca.mean_.astype(np.float32),
        pca.components_.astype(np.float32),
        tuple(float(ratio) for ratio in pca.explained_variance_ratio_),
        len(sample),
        datetime.now(UTC),
    )


def sample_embeddings(store: Store, rows: int = SAMPLE_ROWS) -> Floats:
    """Return up to `rows` embeddings in evenly spaced blocks, for scattered reads are slow."""
    dataset = store.dataset(UTTERANCES)
    total = dataset.count_rows()
    vectors = dataset.count_rows(filter="norm IS NOT NULL")
    if 2 * vectors < total:  # mostly results without a vector: blocks might miss the vectors
        found = dataset.to_table(columns=["embedding"], filter="norm IS NOT NULL", limit=rows)
        return _stacked(found["embedding"].chunks)
    if total <= rows:
        spans = [(0, total)]
    else:
        size = rows // _BLOCKS
        spans = [(block * (total - size) // (_BLOCKS - 1), size) for block in range(_BLOCKS)]
    return _stacked(
        [
            column
            for offset, limit in spans
            for column in dataset.to_table(columns=["embedding"], offset=offset, limit=limit)[
                "embedding"
            ].chunks
        ]
    )


def _stacked(columns: list[pa.FixedSizeListArray]) -> Floats:
    return np.concatenate([matrix(column) for column in columns] or [np.empty((0, 0), np.float32)])


def apply_everywhere(store: Store, distiller: Distiller) -> None:
    """Give every row of `utterances` and `frames` this distiller's vectors, embeddings untouched.

    Tables that have them already are left alone, so that a run cut short is completed by the next.
    """
    for table in (FRAMES, UTTERANCES):
        if distiller_of(store.dataset(table).schema) != distiller.distiller_id:
            _put_column(store, table, distiller)


def _put_column(store: Store, table: Table, distiller: Distiller) -> None:
    """Add or replace the `distilled` column in one commit.

    Lance adds columns only under new names, so the new values are written beside a detached
    version that lacks the old column, and the main line moves on to them in one step.
    """
    dataset = store.dataset(table)
    options = dict(store.address.storage_options) or None
    why = f"distilled by distiller {distiller.distiller_id}"
    before = distiller_of(dataset.schema)
    old = None if before is None else read_distiller(store.dataset(DISTILLERS), before)
    with storage_errors(store.address):
        base = _without_column(dataset)
        with threadpool_limits(1), ThreadPoolExecutor() as threads:
            merged = list(
                threads.map(
                    lambda fragment: fragment.merge_columns(
                        _values(dataset.get_fragment(fragment.fragment_id), distiller, old)
                    ),
                    base.get_fragments(),
                )
            )
        if not merged:
            kept = [field for field in dataset.schema if field.name != DISTILLED]
            lance.write_dataset(
                pa.schema([*kept, distiller.field]).empty_table(),
                dataset.uri,
                mode="overwrite",
                storage_options=options,
                commit_message=why,
            )
            return
        lance.LanceDataset.commit(
            dataset.uri,
            lance.LanceOperation.Merge([one for one, _ in merged], merged[0][1]),
            read_version=dataset.version,
            storage_options=options,
            commit_message=why,
        )


def _without_column(dataset: lance.LanceDataset) -> lance.LanceDataset:
    if DISTILLED not in dataset.schema.names:
        return dataset
    kept = pa.schema([field for field in dataset.schema if field.name != DISTILLED])
    return lance.LanceDataset.commit(
        dataset.uri,
        lance.LanceOperation.Project(kept),
        read_version=dataset.version,
        storage_options=dataset.latest_storage_options(),
        detached=True,
    )


def _values(
    fragment: lance.LanceFragment, distiller: Distiller, old: Distiller | None
) -> pa.RecordBatchReader:
    """Return the new column of one fragment; frames kept distilled have no embedding left."""
    schema = pa.schema([distiller.field])
    columns = ["embedding"] if old is None else ["embedding", DISTILLED]

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in fragment.to_batches(columns=columns, batch_size=_BATCH):
            embeddings = batch.column(0)
            if old is None or not embeddings.null_count:
                values = distiller.column(embeddings)
            else:
                values = distiller.refit_column(embeddings, batch.column(1), old)
            yield pa.record_batch([values], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())
