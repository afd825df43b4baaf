""".npy files: what numpy.load reads is read alike, all else is refused with a code."""

import io
import struct
import tracemalloc

import numpy as np
import pytest
from build import frames, npy_bytes, vector, write_npy

from e2vdb.ingest.files import LocalFiles
from e2vdb.ingest.npy import parse_header, read_blocks, read_header, read_vector
from e2vdb.ingest.rejects import Unusable


def load(data: bytes) -> np.ndarray:
    return read_vector(data, parse_header(data, "embedding.npy"), "embedding.npy")


def with_header(header: str | bytes, values: bytes = b"", version: int = 1) -> bytes:
    raw = header.encode("latin1") if isinstance(header, str) else header
    length = struct.pack("<H" if version == 1 else "<I", len(raw))
    return b"\x93NUMPY" + bytes([version, 0]) + length + raw + values


def declaring(shape: object, descr: object = "<f4", order: bool = False) -> bytes:
    return with_header(f"{{'descr': {descr!r}, 'fortran_order': {order}, 'shape': {shape}}}\n")


@pytest.mark.parametrize("shape", [(1024,), (1, 1024)])
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", ">f8", "<f2", ">f2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_floats_of_any_width_and_order_become_float32(shape, dtype, order):
    array = np.array(vector().reshape(shape), dtype, order=order)
    values = load(npy_bytes(array))
    assert values.dtype == np.dtype(np.float32)
    assert values.dtype.isnative
    assert values.shape == (1024,)
    np.testing.assert_array_equal(values, array.reshape(-1).astype(np.float32))


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_format(version):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, vector(), version=version)
    np.testing.assert_array_equal(load(stream.getvalue()), vector())


def test_bytes_after_the_values_are_left_alone_as_numpy_does():
    np.testing.assert_array_equal(load(npy_bytes(vector()) + b"more"), vector())


GOOD = npy_bytes(vector())
NOT_NPY = {
    "empty": (b"", "empty"),
    "text": (b"not a numpy file", "not a .npy file"),
    "zip": (b"PK\x03\x04", "zip"),
    "pickle": (b"\x80\x05\x95", "pickle"),
    "magic alone": (GOOD[:6], "header"),
    "half the magic": (GOOD[:3], "header"),
    "half the header": (GOOD[:40], "header"),
    "version 9": (b"\x93NUMPY\x09\x00" + GOOD[8:], "version"),
    "cut in the values": (GOOD[:-1], "cut off"),
    "no values": (GOOD[:128], "cut off"),
    "object array": (npy_bytes(np.array([{"a": 1}], object), allow_pickle=True), "pickle"),
    "objects in records": (declaring((2,), [("a", "O")]), "pickle"),
    "header is no Python": (with_header("{'descr': "), "header"),
    "header is code": (with_header("__import__('os').system('true')"), "header"),
    "header is deep": (with_header("(" * 9000), "header"),
    "header lies about its length": (b"\x93NUMPY\x02\x00\xff\xff\xff\x7f{}", "header"),
    "header is not latin": (with_header(b"\xff\xfe\x00"), "header"),
    "shape is negative": (declaring((-1, 1024)), "shape"),
    "shape is a word": (declaring("'abc'"), "header"),
    "shape has a float": (declaring("(1.0, 1024)"), "header"),
    "shape is beyond 64 bits": (declaring(f"(0x{'f' * 8000}, 1024)"), "shape"),
    "shape is beyond what Python prints": (declaring(f"(1{'0' * 5000},)"), "header"),
    "more frames than a recording has": (declaring((2**40, 1024)), "frames"),
    "no such dtype": (declaring((1024,), "<q9z"), "header"),
}


@pytest.mark.parametrize(("data", "says"), NOT_NPY.values(), ids=NOT_NPY)
def test_unreadable_npy(data, says):
    with pytest.raises(Unusable) as caught:
        load(data)
    assert caught.value.code == "unreadable_npy"
    assert says in caught.value.detail
    assert len(caught.value.detail) < 200


DTYPES = ["c8", "c16", "i4", "u1", "?", "U3", "S3", "M8[s]", "m8[s]", "V4"]


@pytest.mark.parametrize("dtype", [*DTYPES, [("a", "f4"), ("b", "f4")], "longdouble"])
def test_wrong_dtype(dtype):
    if np.dtype(dtype).itemsize == 8 and dtype == "longdouble":
        pytest.skip("long double is double here")
    with pytest.raises(Unusable) as caught:
        load(npy_bytes(np.zeros(1024, dtype)))
    assert caught.value.code == "wrong_dtype"


@pytest.mark.parametrize("shape", [(), (0,), (0, 1024), (4, 0), (2, 2, 256), (1, 1, 1024)])
def test_wrong_dimension_by_shape(shape):
    with pytest.raises(Unusable) as caught:
        load(npy_bytes(np.zeros(shape, np.float32)))
    assert caught.value.code == "wrong_dimension"
    assert str(shape) in caught.value.detail


def test_a_thousand_axes_are_named_briefly():
    with pytest.raises(Unusable) as caught:
        load(declaring("(" + "1," * 3000 + ")"))
    assert len(caught.value.detail) < 200


def test_old_headers_are_read_without_a_word(recwarn):
    data = with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (2L,)}\n", b"\0" * 8)
    assert load(data).shape == (2,)
    assert not recwarn.list


@pytest.mark.parametrize("order", [False, True])
@pytest.mark.parametrize("shape", [(2**20, 2**20), (2**29, 1024), (1, 2**40), (2**50,)])
def test_a_huge_declared_array_is_not_allocated(tmp_path, shape, order):
    path = str(write_npy(tmp_path / "a.npy", declaring(shape, "<f8", order) + b"\0" * 4096))
    files = LocalFiles(str(tmp_path))
    tracemalloc.start()
    try:
        with pytest.raises(Unusable, match="unreadable_npy"):
            read_header(files, path)
        with pytest.raises(Unusable, match="unreadable_npy"):
            load(files.read(path, 1 << 16))
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("order", ["C", "F"])
def test_frames_are_read_in_blocks_that_do_not_grow_with_the_file(tmp_path, order):
    """A sparse file of 256 MB: nothing but the blocks asked for comes into memory."""
    path = tmp_path / "frames.npy"
    rows = 1 << 16
    path.write_bytes(declaring((rows, 1024), "<f4", order == "F"))
    with path.open("r+b") as stream:
        stream.truncate(path.stat().st_size + rows * 4096)
    files = LocalFiles(str(tmp_path))
    header = read_header(files, str(path))
    tracemalloc.start()
    try:
        blocks = read_blocks(files, str(path), header, rows=512)
        for _ in range(3):
            _, block = next(blocks)
            assert block.shape == (512, 1024)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<f2"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("rows", [1, 2, 7, 8, 9, 100])
def test_blocks_put_together_are_the_array(tmp_path, dtype, order, rows):
    array = np.array(frames(23, dimension=16), dtype, order=order)
    path = str(write_npy(tmp_path / "a.npy", array))
    files = LocalFiles(str(tmp_path))
    header = read_header(files, path)
    blocks = list(read_blocks(files, path, header, rows=rows))
    assert all(len(block) <= rows for _, block in blocks)
    np.testing.assert_array_equal(np.concatenate([b for _, b in blocks]), array.astype(np.float32))
    assert sum(len(data) for data, _ in blocks) == array.nbytes


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_file_that_shrinks_while_it_is_read_is_cut_off(tmp_path, order):
    path = write_npy(tmp_path / "a.npy", np.array(frames(8, dimension=512), order=order))
    files = LocalFiles(str(tmp_path))
    header = read_header(files, str(path))
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(Unusable, match=r"unreadable_npy.*cut off"):
        list(read_blocks(files, str(path), header, rows=2))


def test_a_disk_error_in_the_middle_names_the_path(tmp_path):
    class Failing(io.BytesIO):
        def read(self, *_):
            raise OSError(5, "Input/output error")

    class Disk(LocalFiles):
        def open(self, path):
            return Failing()

    path = str(write_npy(tmp_path / "a.npy", frames(8, dimension=512)))
    header = read_header(LocalFiles(str(tmp_path)), path)
    with pytest.raises(Unusable, match=r"unreadable_file.*input/output error") as caught:
        list(read_blocks(Disk(str(tmp_path)), path, header))
    assert caught.value.path == path
