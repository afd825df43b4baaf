"""Frames against NumPy in float64: their mean, their distances, and results laid beside them."""

import math

import numpy as np
import pyarrow as pa
import pytest
from build import (
    EMOTIONS,
    frame_list,
    frames,
    result_document,
    scores,
    vector,
    write_npy,
    write_output,
)

from e2vdb.ingest.files import LocalFiles
from e2vdb.ingest.frames import FrameSource, frame_rows, mean_frame
from e2vdb.ingest.npy import read_header
from e2vdb.ingest.rejects import Unusable
from e2vdb.ingest.results import FrameResult
from e2vdb.ingest.schema import frames_schema

DIMENSION = 16


class Nothing:
    def update(self, data: bytes, /) -> None:
        """Digest of nobody."""


def table(tmp_path, array, embedding=None, results=()):
    path = str(write_npy(tmp_path / "frames.npy", array))
    files = LocalFiles(str(tmp_path))
    header = read_header(files, path)
    if embedding is None:
        embedding = mean_frame(files, path, header, Nothing())
    source = FrameSource("call", path, header, embedding, tuple(results))
    batches = list(frame_rows(files, source))
    assert all(batch.schema.equals(frames_schema(array.shape[-1])) for batch in batches)
    return pa.Table.from_batches(batches), batches


def said(emotion, start_s=None):
    return FrameResult(start_s, emotion, tuple(scores(emotion).values()))


@pytest.mark.parametrize("rows", [2, 2047, 2048, 2049, 5000])
@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_and_blocks(tmp_path, rows, order):
    array = np.array(frames(rows, dimension=DIMENSION), order=order)
    found, batches = table(tmp_path, array)
    assert [len(batch) for batch in batches] == [min(2048, rows - i) for i in range(0, rows, 2048)]
    assert found["utterance_id"].unique().to_pylist() == ["call"]
    assert found["frame_index"].to_pylist() == list(range(rows))
    np.testing.assert_allclose(found["start_s"], np.arange(rows) * 0.02)
    stored = np.concatenate([b["embedding"].flatten().to_numpy() for b in batches])
    np.testing.assert_array_equal(stored.reshape(rows, DIMENSION), array.astype(np.float16))


@pytest.mark.parametrize("rows", [2, 2049])
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", "<f2"])
def test_mean_and_distances(tmp_path, rows, dtype):
    array = frames(rows, dimension=DIMENSION).astype(dtype)
    exact = array.astype(np.float64)
    path = str(write_npy(tmp_path / "mean.npy", array))
    files = LocalFiles(str(tmp_path))
    mean = mean_frame(files, path, read_header(files, path), Nothing())
    np.testing.assert_allclose(mean, exact.mean(axis=0), rtol=2e-7, atol=1e-7)
    other = vector(77, DIMENSION)
    found, _ = table(tmp_path, array, other)
    lengths = np.linalg.norm(exact, axis=1) * np.linalg.norm(other.astype(np.float64))
    np.testing.assert_allclose(found["distance"], 1 - exact @ other / lengths, atol=2e-6)


def test_mean_of_many_far_frames_does_not_drift(tmp_path):
    array = (1000 + frames(20_000, dimension=4)).astype(np.float32)
    path = str(write_npy(tmp_path / "a.npy", array))
    files = LocalFiles(str(tmp_path))
    mean = mean_frame(files, path, read_header(files, path), Nothing())
    np.testing.assert_array_equal(mean, array.mean(axis=0, dtype=np.float64).astype(np.float32))


def test_distances_stay_between_zero_and_two(tmp_path):
    one = vector(3, DIMENSION)
    array = np.stack([one, 3 * one, -one, np.zeros(DIMENSION)] * 100).astype(np.float32)
    found, _ = table(tmp_path, array, one)
    distance = found["distance"].to_numpy()
    assert distance.min() >= 0
    assert distance.max() <= 2
    np.testing.assert_allclose(distance[:4], [0, 0, 2, 1], atol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 65_505.0, -1e30])
@pytest.mark.parametrize("frame", [0, 2048, 2999])
def test_a_bad_frame_is_named(tmp_path, value, frame):
    array = frames(3000, dimension=DIMENSION)
    array[frame, 3] = value
    path = str(write_npy(tmp_path / "a.npy", array))
    files = LocalFiles(str(tmp_path))
    with pytest.raises(Unusable, match=rf"not_finite.*frame {frame} "):
        mean_frame(files, path, read_header(files, path), Nothing())


def test_largest_half_is_kept(tmp_path):
    array = np.full((2, DIMENSION), 65_504, np.float32)
    found, _ = table(tmp_path, array)
    assert found["embedding"].combine_chunks().flatten().to_numpy().max() == 65_504


def test_one_result_a_frame_by_its_place_over_a_block_boundary(tmp_path):
    names = [EMOTIONS[i % 9] for i in range(2100)]
    found, _ = table(tmp_path, frames(2100, dimension=2), results=[said(name) for name in names])
    assert found["emotion"].to_pylist() == names
    assert found["happy"].to_pylist() == pytest.approx([scores(name)["happy"] for name in names])


def test_fewer_results_go_to_the_second_they_name(tmp_path):
    results = [said("angry", 1.0), said("sad", 0.0), said("happy", 41.0), said("other", 99.0)]
    found, _ = table(tmp_path, frames(2100, dimension=2), results=results)
    emotions = found["emotion"].to_pylist()
    assert {i: name for i, name in enumerate(emotions) if name} == {
        0: "sad",
        50: "angry",
        2050: "happy",
    }
    assert found["angry"].to_pylist()[1] is None


@pytest.mark.parametrize("start", [-1.0, -1e308, 1e308, math.inf, math.nan, 0.06])
def test_seconds_outside_the_recording_go_nowhere(tmp_path, start):
    found, _ = table(tmp_path, frames(3, dimension=2), results=[said("sad", start)])
    assert found["emotion"].to_pylist() == [None] * 3


@pytest.mark.parametrize("as_list", [False, True])
def test_frames_of_a_directory(root, read, as_list):
    array = frames(3)
    listed = frame_list("happy", "angry", "sad")
    write_output(
        root,
        "call",
        frame_embeddings=array,
        result_frame=listed if as_list else result_document(granularity="frame", frames=listed),
    )
    tree = read(root)
    rows = pa.Table.from_batches(list(frame_rows(LocalFiles(str(root)), tree.frames["call"])))
    assert rows["emotion"].to_pylist() == ["happy", "angry", "sad"]
    assert tree.rows["call"]["n_frames"] == 3


@pytest.mark.parametrize("mode", ["full", "distilled", "none"])
def test_frame_modes(root, read, mode):
    write_output(root, "both", frame_embeddings=frames(3))
    write_output(root, "frames", embedding=None, frame_embeddings=frames(3))
    tree = read(root, frames=mode)
    assert set(tree.frames) == (set() if mode == "none" else {"both", "frames"})
    assert tree.rows["both"]["n_frames"] == tree.rows["frames"]["n_frames"] == 3
    assert tree.rows["frames"]["embedding"] is not None
