"""Reading a head from an .npz file that nobody vouches for: no pickle, every number checked."""

import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from e2vdb.errors import InputError
from e2vdb.head.head import Head
from e2vdb.ingest.labels import EMOTIONS, canonical

LARGEST_BYTES = 1 << 28


def read_head_file(path: str | os.PathLike[str], dimension: int) -> Head:
    """Return the head of an .npz file, its rows in the order of the nine canonical emotions.

    The file holds a matrix (9, D), a bias (9,) and, if its rows stand in another order, `labels`
    in any known spelling. Raises `InputError`, naming what is wrong.
    """
    file = Path(path).expanduser()
    arrays = _arrays(file)
    weight = _only(arrays, (len(EMOTIONS), dimension), file)
    bias = _only(arrays, (len(EMOTIONS),), file)
    labels = arrays.get("labels", np.array(EMOTIONS))
    order = _order([str(one) for one in labels.tolist()], file)
    if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
        raise InputError(f"{file} holds NaN or infinity; export the head again.")
    return Head(
        0,
        file.name,
        weight.astype(np.float32)[order],
        bias.astype(np.float32)[order],
        datetime.now(UTC),
    )


def _arrays(file: Path) -> dict[str, NDArray[Any]]:
    if not file.is_file():
        raise InputError(f"{file} does not exist or is not a file; give the head's .npz file.")
    try:
        with zipfile.ZipFile(file) as archive:
            if sum(one.file_size for one in archive.infolist()) > LARGEST_BYTES:
                raise InputError(f"{file} is far larger than a head of nine outputs can be.")
        with np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{file} is no .npz file of plain arrays ({error}); "
            "save it with numpy.savez(path, weight=W, bias=b)."
        ) from error


def _only(arrays: dict[str, NDArray[Any]], shape: tuple[int, ...], file: Path) -> NDArray[Any]:
    found = [one for one in arrays.values() if one.shape == shape and one.dtype.kind == "f"]
    if len(found) != 1:
        shown = ", ".join(f"{name} {one.dtype}{list(one.shape)}" for name, one in arrays.items())
        raise InputError(
            f"{file} must hold exactly one float array of shape {list(shape)}; it holds {shown}."
        )
    return found[0]


def _order(labels: list[str], file: Path) -> list[int]:
    names = [canonical(label) for label in labels]
    if sorted(name or "" for name in names) != sorted(EMOTIONS):
        raise InputError(
            f"{file}: labels must name the nine emotions once each ({', '.join(EMOTIONS)}), "
            f"not {', '.join(labels)}."
        )
    return [names.index(emotion) for emotion in EMOTIONS]
