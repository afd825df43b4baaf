"""Cutting into windows: every frame once, at pauses, and nearly what one pass gives."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sounds import noise, speech, write_wav

from e2vdb.audio import recognise
from e2vdb.audio.windows import frame_count, plan_windows

CHUNK_S = 0.032


@given(
    st.integers(1, 30_000),
    st.floats(1, 40),
    st.floats(0, 1),
    st.integers(0, 2**32 - 1),
)
def test_every_frame_is_kept_once_and_no_window_is_too_long(frames, window_s, share, seed):
    overlap_s = share * window_s / 2
    speech_probability = np.random.default_rng(seed).random(frames * 2 // 3 + 2).astype(np.float32)
    windows = plan_windows(frames, speech_probability, window_s, overlap_s)
    kept = [frame for one in windows for frame in range(one.kept_from, one.kept_to)]
    assert kept == list(range(frames))
    for one in windows:
        assert 0 <= one.first <= one.kept_from < one.kept_to <= one.last <= frames
        assert one.last - one.first <= max(1, int(window_s * 50))


def test_neighbours_overlap_by_what_was_asked():
    windows = plan_windows(5000, np.zeros(4000, np.float32), 20, 2)
    assert len(windows) > 1
    for one, following in pairwise(windows):
        assert one.last - following.first == 100
        assert one.last - one.kept_to == following.kept_from - following.first == 50


def test_the_cut_lies_in_the_pause():
    probability = np.ones(3000, np.float32)
    pause = (16.0, 16.7)
    probability[int(pause[0] / CHUNK_S) : int(pause[1] / CHUNK_S)] = 0
    cut = plan_windows(2500, probability, 20, 2)[0].kept_to * 0.02
    assert pause[0] < cut < pause[1]


def test_a_clip_of_one_window_is_one_pass():
    assert len(plan_windows(1000, np.ones(700, np.float32), 20, 2)) == 1
    assert len(plan_windows(1001, np.ones(700, np.float32), 20, 2)) == 2


@pytest.mark.parametrize(
    ("samples", "frames"), [(0, 0), (399, 0), (400, 1), (719, 1), (720, 2), (16000, 49)]
)
def test_frames_are_counted_as_the_model_counts_them(samples, frames):
    assert frame_count(samples) == frames


def test_windows_give_nearly_what_one_pass_gives(tmp_path, model, funasr):
    """The windows see less around a frame than one pass does, so their vectors differ a little.

    With this model of one attention layer: cosine of each frame above 0.999, of the utterance
    above 0.99999. Deeper models look farther; nothing here promises these numbers for them.
    """
    path = write_wav(tmp_path / "call.wav", speech(50, 5) + noise(50, -45))
    windowed, whole = recognise(path, model, frames=True), funasr(model, path, "frame")["feats"]
    assert windowed.frames.shape == whole.shape
    assert _cosines(windowed.frames, whole).min() > 0.999
    assert _cosines(windowed.embedding[None], whole.mean(axis=0)[None]).min() > 0.99999


def test_loud_and_quiet_stretches_are_normalised_together(tmp_path, model, funasr):
    sound = np.concatenate([speech(21, 1), 0.02 * speech(21, 2)]) + noise(42, -70)
    path = write_wav(tmp_path / "call.wav", sound)
    windowed, whole = recognise(path, model, frames=True), funasr(model, path, "frame")["feats"]
    assert _cosines(windowed.frames, whole).min() > 0.999


def test_times_stay_true_over_windows(tmp_path, model):
    """A frame's vector depends on where its sound is, not on which window heard it."""
    sound = speech(60, 4) + noise(60, -50)
    path = write_wav(tmp_path / "call.wav", sound)
    small = recognise(path, model, frames=True, window_s=8, overlap_s=2)
    large = recognise(path, model, frames=True, window_s=30, overlap_s=2)
    near = _cosines(small.frames, large.frames)
    shifted = _cosines(small.frames[1:], large.frames[:-1])
    assert np.median(near) > np.median(shifted)
    assert near.min() > 0.99


def _cosines(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    one, other = one.astype(np.float64), other.astype(np.float64)
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return (one * other).sum(axis=1) / lengths
