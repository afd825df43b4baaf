"""One demo tree for all tests of this folder, read back with nothing but NumPy and json."""

import csv
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from e2vdb.demo import DEMO_SEED, DemoTruth, write_demo

NEGATIVE = ("angry", "disgusted", "fearful", "sad")


@dataclass(frozen=True)
class Demo:
    """The regular calls of a written demo, one array element each."""

    directory: Path
    truth: DemoTruth
    names: list[str]
    results: list[dict]
    embeddings: np.ndarray
    agent: np.ndarray
    product: np.ndarray
    team: np.ndarray
    day: np.ndarray

    @property
    def outputs(self) -> Path:
        return self.directory / "outputs"

    @property
    def units(self) -> np.ndarray:
        return self.embeddings / np.linalg.norm(self.embeddings, axis=1, keepdims=True)

    @property
    def emotion(self) -> np.ndarray:
        return np.array([result["emotion"] for result in self.results])

    @property
    def angry(self) -> np.ndarray:
        return self.emotion == "angry"

    @property
    def negative(self) -> np.ndarray:
        return np.isin(self.emotion, NEGATIVE)


def read_demo(directory: Path, truth: DemoTruth) -> Demo:
    with (directory / "calls.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    folders = [directory / "outputs" / row["output_dir"] for row in rows]
    return Demo(
        directory=directory,
        truth=truth,
        names=[folder.name for folder in folders],
        results=[json.loads((f / "result.json").read_text("utf-8")) for f in folders],
        embeddings=np.concatenate([np.load(f / "embedding.npy") for f in folders]),
        agent=np.array([row["agent"] for row in rows]),
        product=np.array([row["product"] for row in rows]),
        team=np.array([row["team"] for row in rows]),
        day=np.array([datetime.fromisoformat(row["called_at"]).date() for row in rows]),
    )


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    directory = tmp_path_factory.mktemp("demo")
    return read_demo(directory, write_demo(directory, calls=2000, seed=DEMO_SEED))
