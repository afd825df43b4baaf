"""Models with random weights, made once a session, and FunASR's own answers to compare with."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from sounds import make_model

FunASR = Callable[..., dict]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Models this small gain nothing from more, and lose much on a busy machine."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def model(models: Path) -> str:
    """Of plus_large's dimension, 1024, with the nine labels."""
    return str(make_model(models / "tiny1024"))


@pytest.fixture(scope="session")
def model_768(models: Path) -> str:
    """Of plus_base's dimension."""
    return str(make_model(models / "tiny768", 768, seed=1))


@pytest.fixture(scope="session")
def funasr() -> FunASR:
    """FunASR's own generate for a model and a file: `feats`, `labels`, `scores`."""
    loaded = {}

    def generate(model: str, path: Path, granularity: str = "utterance") -> dict:
        from funasr import AutoModel

        if model not in loaded:
            quiet = {"disable_update": True, "disable_pbar": True, "log_level": "ERROR", "ncpu": 1}
            loaded[model] = AutoModel(model=model, device="cpu", **quiet)
        found = loaded[model].generate(
            str(path), granularity=granularity, extract_embedding=True, disable_pbar=True
        )
        return found[0] | {"feats": np.asarray(found[0]["feats"])}

    return generate
