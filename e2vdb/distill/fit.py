"""Fitting a PCA to a sample of the database, and giving every row its new vector."""

from collections.abc import Callable
from datetime import UTC, datetime

import lance
import numpy as np
import pyarrow as pa

from e2vdb.distill.distiller import (
    Distiller,
    Floats,
    distiller_of,
    matrix,
    read_distiller,
    to_row,
)
from e2vdb.errors import UsageError
from e2vdb.store.commits import commit, stage
from e2vdb.store.store import Store, storage_errors
from e2vdb.store.tables import DISTILLED, DISTILLERS, FRAMES, UTTERANCES, Table

FEWEST_ROWS = 256
SAMPLE_ROWS = 16_384
"""Rows that a fit looks at: enough for a 1024 x 1024 covariance, whatever the table's size."""

_BLOCKS = 64


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

    unit = sample / np.linalg.norm(sample, axis=1, keepdims=True)
    # Exact, and for many more rows than columns several times faster than the full solver.
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
    if total <= rows:
        spans = [(0, total)]
    else:
        size = rows // _BLOCKS
        spans = [(block * (total - size) // (_BLOCKS - 1), size) for block in range(_BLOCKS)]
    parts = [
        matrix(column)
        for offset, limit in spans
        for column in dataset.to_table(columns=["embedding"], offset=offset, limit=limit)[
            "embedding"
        ].chunks
    ]
    return np.concatenate(parts) if parts else np.empty((0, store.dimension), np.float32)


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
    why = f"distilled by distiller {distiller.distiller_id}"
    with storage_errors(store.address):
        base = _without_column(dataset)
        fragments, schema = [], None
        for fragment in base.get_fragments():
            merged, schema = fragment.merge_columns(
                _transform(distiller), columns=["embedding"], batch_size=4096
            )
            fragments.append(merged)
        if schema is None:
            empty = pa.schema([*base.schema, distiller.field]).empty_table()
            lance.write_dataset(empty, dataset.uri, mode="overwrite", commit_message=why)
            return
        lance.LanceDataset.commit(
            dataset.uri,
            lance.LanceOperation.Merge(fragments, schema),
            read_version=dataset.version,
            storage_options=dict(store.address.storage_options) or None,
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


def _transform(distiller: Distiller) -> Callable[[pa.RecordBatch], pa.RecordBatch]:
    def column(batch: pa.RecordBatch) -> pa.RecordBatch:
        values = distiller.column(batch.column("embedding"))
        return pa.record_batch([values], schema=pa.schema([distiller.field]))

    return column
