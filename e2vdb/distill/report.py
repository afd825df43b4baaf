"""What distilling costs and saves, measured on the database itself."""

import warnings
from dataclasses import dataclass

import numpy as np

from e2vdb.distill.distiller import Distiller, Floats, matrix, unit_length
from e2vdb.store.store import Store
from e2vdb.store.tables import UTTERANCES

MOST_ROWS = 5_000
FOLDS = 5


@dataclass(frozen=True, slots=True)
class DistillReport:
    """The figures behind "16-24 dimensions, no loss": accuracies are means over five folds."""

    dimension: int
    dimensions: int
    variance_kept: float
    fitted_rows: int
    full_bytes: int
    distilled_bytes: int
    measured_rows: int
    full_accuracy: float | None
    distilled_accuracy: float | None

    @property
    def bytes_saved(self) -> float:
        """The share of bytes that a distilled .npy file saves over a full one, 0..1."""
        return 1 - self.distilled_bytes / self.full_bytes

    @property
    def accuracy_change(self) -> float | None:
        """Distilled minus full accuracy of predicting `emotion`, None where not measurable."""
        if self.full_accuracy is None or self.distilled_accuracy is None:
            return None
        return self.distilled_accuracy - self.full_accuracy


NPY_HEADER_BYTES = 128


def report(store: Store, distiller: Distiller) -> DistillReport:
    """Measure a distiller on up to 5,000 labelled rows, evenly spaced over the table."""
    labels, vectors = _labelled(store)
    full = distilled = None
    if len(labels):
        full = _accuracy(unit_length(vectors), labels)
        distilled = _accuracy(distiller.apply(vectors), labels)
    return DistillReport(
        dimension=len(distiller.mean),
        dimensions=distiller.dimensions,
        variance_kept=distiller.variance_kept,
        fitted_rows=distiller.fitted_rows,
        full_bytes=NPY_HEADER_BYTES + 4 * len(distiller.mean),
        distilled_bytes=NPY_HEADER_BYTES + 4 * distiller.dimensions,
        measured_rows=len(labels),
        full_accuracy=full,
        distilled_accuracy=distilled,
    )


def _labelled(store: Store) -> tuple[np.ndarray, Floats]:
    """Return emotions and embeddings of rows whose emotion occurs often enough for five folds."""
    dataset = store.dataset(UTTERANCES)
    step = max(1, dataset.count_rows() // MOST_ROWS)
    labels: list[str] = []
    vectors: list[Floats] = []
    scanner = dataset.scanner(
        columns=["emotion", "embedding"], filter="emotion IS NOT NULL AND embedding IS NOT NULL"
    )
    for batch in scanner.to_batches():
        picked = batch.take(np.arange(0, batch.num_rows, step))
        labels += picked.column("emotion").to_pylist()
        vectors.append(matrix(picked.column("embedding")))
    if not labels:
        return np.array([]), np.empty((0, 0), np.float32)
    names = np.array(labels)
    values, counts = np.unique(names, return_counts=True)
    common = np.isin(names, values[counts >= FOLDS])
    if len(np.unique(names[common])) < 2:
        return np.array([]), np.empty((0, 0), np.float32)
    return names[common], np.concatenate(vectors)[common]


def _accuracy(vectors: Floats, labels: np.ndarray) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=42)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fit that stops early is still comparable
        return float(cross_val_score(model, vectors, labels, cv=folds).mean())
