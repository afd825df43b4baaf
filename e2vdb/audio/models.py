"""Which model is meant, and where it lies: a directory on disk, or a name on the hub."""

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from e2vdb.errors import InputError

DEFAULT_MODEL = "iic/emotion2vec_plus_large"
_HUB_NAME = re.compile(r"iic/[\w.-]+")
_SHORT_NAME = re.compile(r"emotion2vec_[\w.-]+")
_BLOCK = 1 << 22


def find_model(model: str) -> tuple[str, Path]:
    """Return a model's name as it is recorded, and the directory that holds it.

    A directory is taken as it is and never looked for elsewhere. Only `iic/NAME` and
    `emotion2vec_NAME` are names on the hub: they are looked for in ModelScope's cache on this
    machine, then downloaded. Raises `InputError`.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        return str(folder.resolve()), _checked(folder.resolve())
    if folder.exists():
        raise InputError(f"The model {model} is a file; give the directory that holds model.pt.")
    if _SHORT_NAME.fullmatch(model):
        model = f"iic/{model}"
    if not _HUB_NAME.fullmatch(model):
        raise InputError(
            f"The model directory {folder} does not exist; give a directory with model.pt and "
            f"configuration.json, or a name such as {DEFAULT_MODEL}."
        )
    return model, _checked(_from_hub(model))


def _from_hub(name: str) -> Path:
    from modelscope.hub.snapshot_download import snapshot_download

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except Exception:  # noqa: S110 - whatever the hub's client says: it is not here
        pass
    try:
        return Path(snapshot_download(name))
    except Exception as error:
        reason = str(error).strip().split("\n", 1)[0][:200]
        raise InputError(
            f"The model {name} is not on this machine and cannot be downloaded ({reason}); copy "
            f"its directory from a machine that has it and give --model DIR."
        ) from error


def _checked(folder: Path) -> Path:
    missing = [name for name in ("config.yaml", "model.pt") if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"{folder} holds no {' and no '.join(missing)}, so it is no Emotion2Vec model."
        )
    return folder


@lru_cache(maxsize=8)
def revision(folder: Path) -> str:
    """Return the first 16 digits of the SHA-256 of a model's weights: the same everywhere."""
    digest = hashlib.sha256()
    with (folder / "model.pt").open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()[:16]
