"""Output directories: whole, one a recording, and not made twice."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from sounds import read_wav, speech, write_wav

from e2vdb.audio.claims import HIDDEN
from e2vdb.audio.embed import embed
from e2vdb.audio.options import EmbedOptions
from e2vdb.audio.summary import EmbedSummary
from e2vdb.errors import InputError
from e2vdb.ingest.labels import EMOTIONS

NAME = re.compile(r"outputs_\d{8}_\d{6}(_\d\d+)?")
FILES = {"processed_audio.wav", "result.json", "embedding.npy"}
FRAME_FILES = {"frame_embeddings.npy", "result_frame.json"}


def run(out: Path, model: str, *words: Path | str, **choices) -> EmbedSummary:
    return embed(words, out, EmbedOptions(model, **choices))


def folders(out: Path) -> list[Path]:
    return sorted(out.iterdir())


def test_a_directory_as_the_webui_would_have_written_it(tmp_path, model):
    call = write_wav(tmp_path / "call.wav", speech(2, 1), 8000)
    (made,) = run(tmp_path / "out", model, call).made
    folder = Path(made.output_dir)
    assert folder.parent == tmp_path / "out"
    assert NAME.fullmatch(folder.name)
    assert {one.name for one in folder.iterdir()} == FILES
    samples, rate, width = read_wav(folder / "processed_audio.wav")
    assert (rate, width, samples.shape) == (16_000, 2, (64_000, 1))
    embedding = np.load(folder / "embedding.npy", allow_pickle=False)
    assert (embedding.shape, embedding.dtype) == ((1, 1024), np.float32)
    result = json.loads((folder / "result.json").read_text("utf-8"))
    assert list(result["scores"]) == list(EMOTIONS)
    assert sum(result["scores"].values()) == pytest.approx(1, abs=1e-5)
    assert result["emotion"] == max(result["scores"], key=result["scores"].get)
    assert result["confidence"] == max(result["scores"].values())
    assert result["granularity"] == "utterance"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", result["timestamp"])
    assert result["audio_file"] == str(call)
    assert result["model"] == str(Path(model).resolve())
    assert result["sample_rate_original"] == 8000
    assert result["bandwidth_hz"] <= 4000
    assert 0 <= result["quality"] <= 1
    assert result["channel"] == "mono"
    assert re.fullmatch(r"[0-9a-f]{16}", result["model_revision"])


def test_funasr_hears_the_same_in_what_was_kept(tmp_path, model, funasr):
    call = write_wav(tmp_path / "call.wav", speech(2, 1), 11025)
    (made,) = run(tmp_path / "out", model, call).made
    theirs = funasr(model, Path(made.output_dir) / "processed_audio.wav")
    ours = np.load(Path(made.output_dir) / "embedding.npy")[0]
    np.testing.assert_allclose(ours, theirs["feats"], rtol=1e-4, atol=1e-4)


def test_frames_and_their_emotions(tmp_path, model, funasr):
    call = write_wav(tmp_path / "call.wav", speech(25, 1))
    (made,) = run(tmp_path / "out", model, call, frames=True).made
    folder = Path(made.output_dir)
    assert {one.name for one in folder.iterdir()} == FILES | FRAME_FILES
    frames = np.load(folder / "frame_embeddings.npy", allow_pickle=False)
    assert (frames.shape, frames.dtype) == ((1249, 1024), np.float32)
    embedding = np.load(folder / "embedding.npy")
    np.testing.assert_allclose(embedding, frames.mean(axis=0, dtype=np.float64)[None], atol=1e-5)
    said = json.loads((folder / "result_frame.json").read_text("utf-8"))["frames"]
    assert [one["time"] for one in said] == [round(0.02 * row, 2) for row in range(1249)]
    expected = _head_by_hand(model, frames)
    scores = np.array([[one["scores"][name] for name in EMOTIONS] for one in said])
    np.testing.assert_allclose(scores, expected, atol=2e-6)
    assert [one["emotion"] for one in said] == [EMOTIONS[one] for one in expected.argmax(axis=1)]


def _head_by_hand(model: str, vectors: np.ndarray) -> np.ndarray:
    import torch

    stored = torch.load(Path(model) / "model.pt", weights_only=True)
    weight, bias = (stored[f"proj.{one}"].numpy().astype(np.float64) for one in ("weight", "bias"))
    powers = np.exp(vectors.astype(np.float64) @ weight.T + bias)
    return powers / powers.sum(axis=1, keepdims=True)


def test_frame_emotions_stop_where_no_reader_would_take_them(tmp_path, model, monkeypatch):
    monkeypatch.setattr("e2vdb.audio.directory.LIMIT", 20_000)
    call = write_wav(tmp_path / "call.wav", speech(25, 1))
    (made,) = run(tmp_path / "out", model, call, frames=True).made
    folder = Path(made.output_dir)
    assert {one.name for one in folder.iterdir()} == FILES | {"frame_embeddings.npy"}
    assert np.load(folder / "frame_embeddings.npy").shape == (1249, 1024)


def test_equal_names_equal_seconds_and_odd_names_all_stay(tmp_path, model):
    calls = tmp_path / "calls"
    names = ["a/utt1.wav", "b/utt1.wav", "王芳 的电话.wav", "quote'\"$(x).wav", "...wav", "-k.wav"]
    paths = [write_wav(calls / name, speech(0.3, seed)) for seed, name in enumerate(names)]
    odd = Path(os.fsdecode(os.fsencode(str(calls)) + b"/\xff\xfe.wav"))
    paths.append(write_wav(odd, speech(0.3, 50)))
    up = calls / "a" / ".." / "b" / "utt1.wav"
    done = run(tmp_path / "out", model, *paths, up)
    assert len(done.made) == len(paths)
    assert all(NAME.fullmatch(one.name) for one in folders(tmp_path / "out"))
    kept = [np.load(one / "embedding.npy") for one in folders(tmp_path / "out")]
    assert len({one.tobytes() for one in kept}) == len(paths)
    files = {
        json.loads((one / "result.json").read_text())["audio_file"]
        for one in folders(tmp_path / "out")
    }
    assert len(files) == len(paths)


def test_a_directory_of_someone_else_is_left_alone(tmp_path, model, monkeypatch):
    from datetime import datetime

    class Still(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2024, 1, 4, 22, 30, 0)

    monkeypatch.setattr("e2vdb.audio.embed.datetime", Still)
    taken = tmp_path / "out" / "outputs_20240104_223000"
    taken.mkdir(parents=True)
    paths = [write_wav(tmp_path / f"{seed}.wav", speech(0.3, seed)) for seed in range(3)]
    run(tmp_path / "out", model, *paths)
    stem = "outputs_20240104_223000"
    names = [one.name for one in folders(tmp_path / "out")]
    assert names == [stem, f"{stem}_01", f"{stem}_02", f"{stem}_03"]
    assert list(taken.iterdir()) == []


def test_what_is_done_is_not_done_again(tmp_path, model, monkeypatch):
    paths = [write_wav(tmp_path / f"{seed}.wav", speech(0.3, seed)) for seed in range(2)]
    run(tmp_path / "out", model, *paths)
    before = folders(tmp_path / "out")
    os.utime(paths[1])  # copied anew, touched: the content is the same
    monkeypatch.setattr("e2vdb.audio.embed.recogniser", None)  # the model is not even loaded
    done = run(tmp_path / "out", model, *paths)
    assert (len(done.made), done.done_before) == (0, 2)
    assert folders(tmp_path / "out") == before


def test_changed_content_another_model_and_other_windows_are_new(tmp_path, model, model_768):
    call = write_wav(tmp_path / "call.wav", speech(0.3, 1))
    run(tmp_path / "out", model, call)
    write_wav(call, speech(0.3, 2))
    assert len(run(tmp_path / "out", model, call).made) == 1
    assert len(run(tmp_path / "out", model_768, call).made) == 1
    assert len(run(tmp_path / "out", model, call, window_s=10).made) == 1
    assert len(folders(tmp_path / "out")) == 4


def test_a_moved_recording_is_known_a_copy_is_another(tmp_path, model):
    call = write_wav(tmp_path / "call.wav", speech(0.3, 1))
    run(tmp_path / "out", model, call)
    moved = call.rename(tmp_path / "moved.wav")
    assert run(tmp_path / "out", model, moved).done_before == 1
    write_wav(call, speech(0.3, 1))
    copy = tmp_path / "copy.wav"
    copy.write_bytes(call.read_bytes())
    done = run(tmp_path / "out", model, call, copy)
    assert (len(done.made), done.done_before) == (1, 1)


def test_frames_come_later_into_the_same_directory(tmp_path, model):
    call = write_wav(tmp_path / "call.wav", speech(1, 1))
    (first,) = run(tmp_path / "out", model, call).made
    (second,) = run(tmp_path / "out", model, call, frames=True).made
    assert second == first
    assert {one.name for one in Path(first.output_dir).iterdir()} == FILES | FRAME_FILES
    assert len(folders(tmp_path / "out")) == 1
    assert run(tmp_path / "out", model, call, frames=True).done_before == 1
    assert run(tmp_path / "out", model, call).done_before == 1


def test_directories_of_the_webui_beside_ours_do_not_matter(tmp_path, model):
    theirs = tmp_path / "out" / "outputs_20240104_223000"
    theirs.mkdir(parents=True)
    (theirs / "result.json").write_text('{"emotion": "happy"}')
    (tmp_path / "out" / "outputs_20240104_223001").mkdir()
    (tmp_path / "out" / "outputs_20240104_223001" / "result.json").write_bytes(b"\x00{")
    call = write_wav(tmp_path / "call.wav", speech(0.3, 1))
    assert len(run(tmp_path / "out", model, call).made) == 1


def test_nothing_is_left_of_the_work(tmp_path, model):
    (tmp_path / "bad.wav").write_bytes(b"no sound")
    run(tmp_path / "out", model, write_wav(tmp_path / "a.wav", speech(0.3)), tmp_path / "bad.wav")
    assert not (tmp_path / "out" / HIDDEN).exists()


def test_an_output_folder_that_cannot_be_made(tmp_path, model):
    (tmp_path / "file").write_text("")
    call = write_wav(tmp_path / "call.wav", speech(0.3, 1))
    with pytest.raises(InputError, match="cannot be made"):
        run(tmp_path / "file" / "out", model, call)


def test_ctrl_c_keeps_what_is_finished(tmp_path, model, monkeypatch):
    import e2vdb.audio.embed as module

    paths = [write_wav(tmp_path / f"{seed}.wav", speech(0.3, seed)) for seed in range(3)]
    heard, real = [], module.listen

    def listen(path, channel, pcm):
        if len(heard) == 1:
            raise KeyboardInterrupt
        heard.append(path)
        return real(path, channel, pcm)

    monkeypatch.setattr(module, "listen", listen)
    done = run(tmp_path / "out", model, *paths)
    assert (done.interrupted, len(done.made)) == (True, 1)
    assert len(folders(tmp_path / "out")) == 1
    monkeypatch.undo()
    assert run(tmp_path / "out", model, *paths).done_before == 1
    assert len(folders(tmp_path / "out")) == 3
