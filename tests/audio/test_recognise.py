"""`recognise` against FunASR's own generate, and against NumPy."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from sounds import LABELS, make_model, noise, speech, write_wav

from e2vdb.audio import recognise
from e2vdb.errors import InputError, UsageError
from e2vdb.ingest.labels import EMOTIONS

SAME = {"rtol": 1e-4, "atol": 1e-4}
"""Values reach 25 here: a few units in the last place of float32, summed in another order."""


@pytest.mark.parametrize("seconds", [0.025, 0.5, 3.0, 12.0])
def test_a_short_clip_gives_what_funasr_gives(tmp_path, model, funasr, seconds):
    path = write_wav(tmp_path / "clip.wav", speech(seconds, 3) + noise(seconds, -50))
    found = recognise(path, model, frames=True)
    utterance, frame = funasr(model, path), funasr(model, path, "frame")
    np.testing.assert_allclose(found.embedding, utterance["feats"], **SAME)
    np.testing.assert_allclose(found.frames, frame["feats"], **SAME)
    np.testing.assert_allclose(list(found.scores.values()), utterance["scores"], atol=1e-6)
    assert found.n_frames == (int(seconds * 16000) - 400) // 320 + 1


def test_the_utterance_is_the_mean_of_the_frames(tmp_path, model):
    path = write_wav(tmp_path / "long.wav", speech(45, 1))
    found = recognise(path, model, frames=True)
    assert found.frames.shape == ((45 * 16000 - 400) // 320 + 1, 1024)
    mean = found.frames.astype(np.float64).mean(axis=0)
    np.testing.assert_allclose(found.embedding, mean, rtol=1e-6, atol=1e-6)
    assert found.embedding.dtype == np.float32


def test_scores_are_the_models_own_head_on_the_mean(tmp_path, model):
    found = recognise(write_wav(tmp_path / "a.wav", speech(2)), model)
    weights = torch.load(Path(model) / "model.pt", weights_only=True)
    weight, bias = (weights[f"proj.{one}"].numpy().astype(np.float64) for one in ("weight", "bias"))
    logits = weight @ found.embedding.astype(np.float64) + bias
    expected = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    np.testing.assert_allclose(list(found.scores.values()), expected, atol=1e-6)
    assert list(found.scores) == list(EMOTIONS)
    assert found.emotion == EMOTIONS[int(expected.argmax())]


def test_768_dimensions(tmp_path, model_768, funasr):
    path = write_wav(tmp_path / "a.wav", speech(2))
    found = recognise(path, model_768)
    assert found.embedding.shape == (768,)
    np.testing.assert_allclose(found.embedding, funasr(model_768, path)["feats"], **SAME)


def test_labels_in_another_order_and_unused_ones(tmp_path, models, funasr):
    labels = ["<unk>", "unuse_0", "happy", "angry", "unuse_1", "sad", "neutral", "unuse_2", "fear"]
    model = str(make_model(models / "odd_labels", 768, labels, seed=2))
    path = write_wav(tmp_path / "a.wav", speech(2))
    found, theirs = recognise(path, model), funasr(model, path)
    names = {"<unk>": "unknown", "fear": "fearful"}
    for label, score in zip(theirs["labels"], theirs["scores"], strict=True):
        assert found.scores[names.get(label, label)] == pytest.approx(score, abs=1e-6)
    for never in ("disgusted", "other", "surprised"):
        assert found.scores[never] == 0
    assert sum(found.scores.values()) == pytest.approx(1)


def test_a_model_without_a_classifier_has_no_scores(tmp_path, models, funasr):
    model = str(make_model(models / "no_head", 768, labels=None, seed=3))
    path = write_wav(tmp_path / "a.wav", speech(2))
    found = recognise(path, model)
    np.testing.assert_allclose(found.embedding, funasr(model, path)["feats"], **SAME)
    assert (found.scores, found.emotion) == ({}, None)


def test_the_revision_follows_the_weights_not_the_folder(tmp_path, model, model_768):
    path = write_wav(tmp_path / "a.wav", speech(1))
    found, other = recognise(path, model), recognise(path, model_768)
    assert found.model == str(Path(model).resolve())
    assert found.model_revision != other.model_revision
    assert len(LABELS) == len(found.scores)


def test_wrong_choices_are_one_sentence(tmp_path, model):
    path = write_wav(tmp_path / "a.wav", speech(1))
    with pytest.raises(UsageError, match="channel must be mono, left or right, not 'split'"):
        recognise(path, model, channel="split")
    with pytest.raises(UsageError, match="device must be one of cpu, cuda, not 'tpu'"):
        recognise(path, model, device="tpu")
    with pytest.raises(UsageError, match="overlap must lie between 0 and half"):
        recognise(path, model, overlap_s=11)


def test_a_broken_model_directory_is_one_sentence(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    with pytest.raises(InputError, match=r"holds no config.yaml and no model.pt"):
        recognise(write_wav(tmp_path / "a.wav", speech(1)), str(folder))
    (folder / "config.yaml").write_text("model: Emotion2vec\n")
    (folder / "model.pt").write_bytes(b"no weights")
    with pytest.raises(InputError, match="FunASR cannot load the model"):
        recognise(tmp_path / "a.wav", str(folder))


class Evil:
    """What a hostile model.pt would hold: unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_hostile_model_directory_runs_nothing(tmp_path, model):
    folder = tmp_path / "model"
    shutil.copytree(model, folder)
    torch.save({"x": Evil(tmp_path / "evil_1")}, folder / "model.pt")
    (folder / "model.py").write_text(f"open({str(tmp_path / 'evil_2')!r}, 'w')")
    config = (folder / "config.yaml").read_text()
    (folder / "config.yaml").write_text(
        f"{config}trust_remote_code: true\nremote_code: {folder / 'model.py'}\n"
    )
    with pytest.raises(InputError, match="FunASR cannot load the model"):
        recognise(write_wav(tmp_path / "a.wav", speech(1)), str(folder))
    assert not list(tmp_path.glob("evil_*"))
