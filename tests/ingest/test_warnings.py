"""What is odd but usable is a row that carries a warning; healthy rows carry none."""

import numpy as np
import pytest
from build import frames, result_document, scores, vector, write_output

from e2vdb.ingest.limits import WARNINGS, Limits


def warnings_of(root, read, limits=Limits(), **parts):  # noqa: B008
    write_output(root, "outputs_20240104_223000", **parts)
    (row,) = read(root, limits=limits).rows.values()
    assert set(row["warnings"]) <= set(WARNINGS)
    return row["warnings"]


def peak(value: float) -> np.ndarray:
    array = vector(norm=19.0)
    array[7] = value
    return array


def test_healthy(root, read):
    assert warnings_of(root, read, frame_embeddings=frames(9)) == []


@pytest.mark.parametrize(
    ("norm", "warned"), [(14.9, True), (15.1, False), (24.9, False), (25.1, True)]
)
def test_norm_outlier(root, read, norm, warned):
    assert warnings_of(root, read, embedding=vector(norm=norm)) == ["norm_outlier"] * warned


@pytest.mark.parametrize(
    ("value", "warned"), [(4.99, False), (-4.99, False), (5.01, True), (-5.01, True)]
)
def test_out_of_range(root, read, value, warned):
    assert warnings_of(root, read, embedding=peak(value)) == ["out_of_range"] * warned


def test_both_at_once(root, read):
    assert warnings_of(root, read, embedding=peak(1e4)) == ["out_of_range", "norm_outlier"]


def test_limits_are_settings(root, read):
    limits = Limits(max_abs=2e4, norm_min=1, norm_max=2e4)
    assert warnings_of(root, read, limits, embedding=peak(1e4)) == []


def test_no_embedding(root, read):
    assert warnings_of(root, read, embedding=None) == ["no_embedding"]
    row = read(root).rows["outputs_20240104_223000"]
    assert (row["embedding"], row["norm"], row["emotion"]) == (None, None, "happy")


def test_no_result_is_a_row_without_emotion(root, read):
    assert warnings_of(root, read, result=None) == []
    row = read(root).rows["outputs_20240104_223000"]
    assert (row["emotion"], row["confidence"], row["angry"], row["result"]) == (None,) * 4


def test_rows_with_and_without_vectors_keep_their_own(root, read):
    for i in range(6):
        given = {"embedding": None} if i % 3 == 0 else {}
        write_output(root, f"outputs_20240104_22300{i}", seed=i, **given)
    rows = read(root).rows
    for i in range(6):
        row = rows[f"outputs_20240104_22300{i}"]
        if i % 3 == 0:
            assert row["embedding"] is None
        else:
            np.testing.assert_array_equal(row["embedding"], vector(i))


def test_embedding_from_frames(root, read):
    array = frames(9)
    given = {"embedding": None, "frame_embeddings": array}
    assert warnings_of(root, read, **given) == ["embedding_from_frames"]
    row = read(root).rows["outputs_20240104_223000"]
    np.testing.assert_allclose(row["embedding"], array.mean(axis=0, dtype=np.float64), rtol=1e-6)
    assert row["n_frames"] == 9


def test_frames_mismatch(root, read):
    given = {"frame_embeddings": frames(9, seed=5)}
    assert warnings_of(root, read, **given) == ["frames_mismatch"]
    assert warnings_of(root, read, Limits(frames_tolerance=100.0), **given) == []


@pytest.mark.parametrize(
    ("document", "warned"),
    [
        (result_document("sad", scores=scores("happy")), ["label_mismatch"]),
        (result_document("bored"), ["unknown_label"]),
        (result_document(timestamp="soon"), ["unparsed_time"]),
    ],
)
def test_warnings_of_the_result(root, read, document, warned):
    assert warnings_of(root, read, result=document) == warned
