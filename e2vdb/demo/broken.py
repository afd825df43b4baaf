"""Directories that every reader has to refuse, at least two for each reject code."""

import io
import pickle
import zipfile

import numpy as np

from e2vdb.demo.directories import EMBEDDING, RESULT, OutputDirectory, npy_bytes
from e2vdb.demo.spare import SpareCalls


def broken_directories(spare: SpareCalls) -> dict[str, list[OutputDirectory]]:
    """Return the broken directories by the reject code that each one deserves."""
    embeddings = _unreadable(spare) | _wrong_arrays(spare)
    by_code = {
        code: [
            OutputDirectory(f"broken/{code}_{variant}", {EMBEDDING: npy, RESULT: spare.result()})
            for variant, npy in variants.items()
        ]
        for code, variants in embeddings.items()
    }
    by_code["bad_json"] = _bad_json(spare)
    by_code["empty_directory"] = [
        OutputDirectory(f"broken/outputs_20240103_07{minute:02d}00", {}) for minute in (10, 20)
    ]
    return by_code


def _unreadable(spare: SpareCalls) -> dict[str, dict[str, bytes]]:
    good = npy_bytes(spare.embedding())
    return {
        "unreadable_npy": {
            "truncated": good[: len(good) // 2],
            "empty_file": b"",
            "object_array": _object_array(),
            "pickle": pickle.dumps([0.0, 1.0], protocol=4),
            "zip": _zip(good),
        }
    }


def _object_array() -> bytes:
    """Return an object array of plain numbers: its pickle would do nothing, were it loaded."""
    buffer = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": (1, 2)}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue() + pickle.dumps([0.0, 1.0], protocol=4)


def _zip(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("arr_0.npy"), content)
    return buffer.getvalue()


def _wrong_arrays(spare: SpareCalls) -> dict[str, dict[str, bytes]]:
    good = spare.embedding()
    nan, infinite = good.copy(), good.copy()
    nan[0, 17], infinite[0, 5] = np.nan, np.inf
    arrays = {
        "wrong_dtype": {"complex": good.astype(np.complex64), "string": good.astype("<U8")},
        "wrong_dimension": {"768": good[:, :768], "256": good[:, :256]},
        "not_finite": {"nan": nan, "infinity": infinite},
        "all_zero": {"row": np.zeros_like(good), "flat": np.zeros_like(good[0])},
    }
    return {
        code: {variant: npy_bytes(array) for variant, array in variants.items()}
        for code, variants in arrays.items()
    }


def _bad_json(spare: SpareCalls) -> list[OutputDirectory]:
    text = spare.result()
    contents = {"truncated": text[: len(text) // 2], "not_an_object": b'"happy"\n'}
    return [
        OutputDirectory(
            f"broken/bad_json_{variant}",
            {EMBEDDING: npy_bytes(spare.embedding()), RESULT: content},
        )
        for variant, content in contents.items()
    ]
