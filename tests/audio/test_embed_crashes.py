"""kill -9 before each change to the file system, and several runs into one folder at once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sounds import speech, write_wav

SCRIPT = Path(__file__).parent / "forked_embeds.py"
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")


def forked(*words: object) -> object:
    command = [sys.executable, str(SCRIPT), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_kill_loses_nothing_and_leaves_no_half_directory(tmp_path, model):
    files = [write_wav(tmp_path / f"{seed}.wav", speech(0.2, seed)) for seed in range(2)]
    found = forked("kill", tmp_path / "out", model, *files)
    assert found["wrong"] == []
    assert found["kills"] > 20


def test_three_at_once_share_the_work(tmp_path, model):
    files = [write_wav(tmp_path / f"{seed}.wav", speech(0.3, seed)) for seed in range(12)]
    found = forked("together", 3, tmp_path / "out", model, *files)
    assert sum(one["made"] for one in found) == len(files)
    for one in found:
        assert one["made"] + one["before"] == len(files)
    folders = list((tmp_path / "out").iterdir())
    assert len(folders) == len(files)
    vectors = {np.load(folder / "embedding.npy").tobytes() for folder in folders}
    assert len(vectors) == len(files)
