"""Reading .npy files that nobody vouches for: no pickle, no allocation on a header's word."""

import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from e2vdb.ingest.files import FileSystem, unreadable
from e2vdb.ingest.rejects import Unusable

MAGIC = b"\x93NUMPY"
HEAD = 1 << 16
"""Bytes that hold any utterance vector with its header; longer files are read in blocks."""

MOST_FRAMES = 1 << 30
"""Past any recording (eight months), and what still counts in 32 bits."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Header:
    """What a .npy header declares, already checked: a float dtype and a 1-D or 2-D shape."""

    dtype: np.dtype[Any]
    rows: int
    columns: int
    flat: bool
    fortran: bool
    offset: int

    @property
    def is_vector(self) -> bool:
        """Whether it holds one vector, (D,) or (1, D), rather than frames."""
        return self.rows == 1

    @property
    def bytes(self) -> int:
        """How many bytes of values must follow the header."""
        return self.rows * self.columns * self.dtype.itemsize


_VERSIONS = {MAGIC + b"\x01\x00": 2, MAGIC + b"\x02\x00": 4, MAGIC + b"\x03\x00": 4}
"""The three versions of the format, and the bytes in which each counts its header."""

_known_headers: dict[bytes, Header] = {}


def parse_header(data: bytes, path: str) -> Header:
    """Return the checked header of a .npy file from its first bytes.

    Raises `Unusable` with `unreadable_npy`, `wrong_dtype` or `wrong_dimension`.
    """
    width = _VERSIONS.get(data[:8])
    if width is not None:
        offset = 8 + width + int.from_bytes(data[8 : 8 + width], "little")
        raw = data[:offset]
        # A whole collection shares a handful of headers, so parsing is paid once for each.
        header = _known_headers.get(raw)
        if header is None:
            header = _parse(raw, offset, path)
            if len(_known_headers) < 4096:
                _known_headers[raw] = header
        return header
    raise Unusable("unreadable_npy", path, _what_it_is(data))


def _what_it_is(data: bytes) -> str:
    if not data:
        return "the file is empty"
    if data.startswith(b"PK"):
        return "a zip archive (.npz), not a .npy file; save single arrays with numpy.save"
    if data.startswith(b"\x80"):
        return "a pickle, which is never loaded; save the array with numpy.save"
    if data.startswith(MAGIC[: len(data)]) or data.startswith(MAGIC):
        return "the .npy header is cut off or of an unknown version"
    return "not a .npy file"


def _parse(raw: bytes, offset: int, path: str) -> Header:
    stream = io.BytesIO(raw)
    try:
        major, _ = npy_format.read_magic(stream)
        # Version 3 differs from 2 only in the names of record fields, which no float array has.
        read = npy_format.read_array_header_1_0 if major == 1 else npy_format.read_array_header_2_0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old or odd headers are parsed or rejected, no more
            shape, fortran, dtype = read(stream)
    except Exception as error:  # numpy raises many kinds for hostile headers
        raise Unusable("unreadable_npy", path, "the .npy header cannot be parsed") from error
    _check_dtype(dtype, path)
    rows, columns, flat = _rows_and_columns(shape, path)
    return Header(dtype, rows, columns, flat, fortran and not flat, offset)


def _check_dtype(dtype: np.dtype[Any], path: str) -> None:
    if dtype.hasobject:
        raise Unusable("unreadable_npy", path, "holds Python objects (pickle), never loaded")
    if dtype.kind != "f" or dtype.itemsize > 8:
        raise Unusable("wrong_dtype", path, f"holds {_dtype_name(dtype)}, expected float32")


def _dtype_name(dtype: np.dtype[Any]) -> str:
    return "structured records" if dtype.fields or dtype.subdtype else str(dtype)[:40]


def _rows_and_columns(shape: tuple[int, ...], path: str) -> tuple[int, int, bool]:
    if not all(0 <= side < 1 << 63 for side in shape):
        raise Unusable("unreadable_npy", path, "declares an impossible shape")
    if len(shape) == 2 and shape[0] > MOST_FRAMES:
        detail = f"declares {shape[0]:,} frames, more than any recording has"
        raise Unusable("unreadable_npy", path, detail)
    if len(shape) == 1 and shape[0] > 0:
        return 1, shape[0], True
    if len(shape) == 2 and shape[0] > 0 and shape[1] > 0:
        return shape[0], shape[1], False
    raise Unusable(
        "wrong_dimension", path, f"has shape {str(shape)[:60]}, expected (1, D) or (N, D)"
    )


def check_dimension(header: Header, dimension: int, path: str) -> None:
    """Raise `wrong_dimension` unless the vectors have the database's length."""
    if header.columns != dimension:
        raise Unusable(
            "wrong_dimension",
            path,
            f"vectors of {header.columns} values, but the database holds {dimension}",
        )


def read_vector(data: bytes, header: Header, path: str) -> Floats:
    """Return the one vector of a file already in memory, shape (D,), float32."""
    if len(data) - header.offset < header.bytes:
        raise _cut_off(path, header, len(data) - header.offset)
    vector = np.frombuffer(data, header.dtype, header.columns, header.offset)
    return to_float32(vector)


def rest_of_vector(files: FileSystem, path: str, header: Header, data: bytes) -> bytes:
    """Return the file up to its last value, given its first `HEAD` bytes: mostly just these."""
    end = header.offset + header.bytes
    return data if end <= len(data) or len(data) < HEAD else files.read(path, end)


def to_float32(values: NDArray[Any]) -> Floats:
    """Convert to native float32; what overflows becomes infinite and is rejected later."""
    if values.dtype == np.float32:
        return values
    with np.errstate(over="ignore", invalid="ignore"):
        return values.astype(np.float32)


def _cut_off(path: str, header: Header, found: int) -> Unusable:
    detail = f"cut off: {header.bytes:,} bytes of values declared, {max(found, 0):,} there"
    return Unusable("unreadable_npy", path, detail)


def read_header(files: FileSystem, path: str) -> Header:
    """Return the header of a file of frames, once the file is known to be long enough."""
    header = parse_header(files.read(path, HEAD), path)
    found = files.size(path) - header.offset
    if found < header.bytes:
        raise _cut_off(path, header, found)
    return header


def read_blocks(
    files: FileSystem, path: str, header: Header, rows: int = 2048
) -> Iterator[tuple[bytes, Floats]]:
    """Yield a file of frames as raw bytes and float32 blocks of at most `rows` rows."""
    read = _read_columns if header.fortran else _read_rows
    with files.open(path) as stream:
        for start in range(0, header.rows, rows):
            count = min(rows, header.rows - start)
            try:
                data = read(stream, header, start, count)
            except OSError as error:
                raise unreadable(path, error) from error
            if len(data) < count * header.columns * header.dtype.itemsize:
                raise _cut_off(path, header, start * header.columns * header.dtype.itemsize)
            values = np.frombuffer(data, header.dtype)
            shape = (count, header.columns)
            block = values.reshape(shape, order="F") if header.fortran else values.reshape(shape)
            yield data, to_float32(block)


def _read_rows(stream: BinaryIO, header: Header, start: int, count: int) -> bytes:
    width = header.columns * header.dtype.itemsize
    stream.seek(header.offset + start * width)
    return stream.read(count * width)


def _read_columns(stream: BinaryIO, header: Header, start: int, count: int) -> bytes:
    """Gather rows that are scattered over the file, a piece a column: memory stays one block."""
    size = header.dtype.itemsize
    pieces = []
    for column in range(header.columns):
        stream.seek(header.offset + (column * header.rows + start) * size)
        pieces.append(stream.read(count * size))
    return b"".join(pieces)
