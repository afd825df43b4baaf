"""Quality and bandwidth: the documented formula, and the order that ears would give."""

import numpy as np
import pytest
from scipy.signal import butter, resample_poly, sosfilt
from sounds import RATE, noise, speech, write_wav

from e2vdb.audio.listen import listen
from e2vdb.audio.quality import Quality, rate_quality

SOUND = speech(8, 3)


def quality(tmp_path, samples, rate=RATE) -> Quality:
    path = write_wav(tmp_path / "a.wav", samples, rate)
    return listen(path, "mono", tmp_path / "pcm.wav").quality


def by_hand(found: Quality) -> float:
    """The formula of the README."""
    snr = min(max(found.snr_db / 30, 0), 1)
    speech_factor = min(found.speech_share / 0.3, 1)
    clipping = 1 - 0.7 * min(found.clipped_share / 0.01, 1)
    bandwidth = 0.8 + 0.2 * min(max((found.bandwidth_hz - 3400) / 3600, 0), 1)
    return snr * speech_factor * clipping * bandwidth


def test_the_formula(tmp_path):
    for samples in (SOUND, SOUND + noise(8, -40), np.clip(20 * SOUND, -1, 1), noise(8, -20)):
        found = quality(tmp_path, samples)
        assert found.value == pytest.approx(by_hand(found), abs=1e-9)
        assert 0 <= found.value <= 1


def test_more_noise_is_worse(tmp_path):
    values = [quality(tmp_path, SOUND + noise(8, db)).value for db in (-70, -50, -40, -30)]
    assert values[0] > 0.9
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.75


def test_snr_is_what_was_mixed(tmp_path):
    found = quality(tmp_path, SOUND + noise(8, -40))
    voiced = SOUND[np.abs(SOUND) > 0]
    expected = 10 * np.log10((voiced**2).mean() / 10 ** (-40 / 10))
    assert found.snr_db == pytest.approx(expected, abs=3)


def test_noise_alone_and_a_hold_tone_are_no_speech(tmp_path):
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(5 * RATE) / RATE)
    for samples in (noise(5, -30), tone):
        found = quality(tmp_path, samples)
        assert found.speech_share < 0.1
        assert found.value < 0.1


def test_speech_is_found_and_its_share_is_right(tmp_path):
    half = np.concatenate([speech(6, 1), np.zeros(6 * RATE, np.float32)]) + noise(12, -60)
    whole, part = quality(tmp_path, speech(6, 1)), quality(tmp_path, half)
    assert whole.speech_share > 0.6
    assert part.speech_share == pytest.approx(whole.speech_share / 2, abs=0.08)


def test_clipping_is_counted(tmp_path):
    found = quality(tmp_path, np.clip(10 * SOUND, -1, 1))
    assert found.clipped_share == pytest.approx((np.abs(10 * SOUND) >= 0.999).mean(), abs=1e-3)
    assert found.value < quality(tmp_path, SOUND).value


@pytest.mark.parametrize("rate", [16000, 44100])
def test_telephone_audio_is_noticed_whatever_the_header_says(tmp_path, rate):
    narrow = resample_poly(SOUND + noise(8, -50), 1, 2)
    honest = quality(tmp_path, narrow, 8000)
    assert honest.bandwidth_hz <= 4000
    dressed_up = resample_poly(narrow, rate // 100, 80)
    found = quality(tmp_path, dressed_up, rate)
    assert found.bandwidth_hz == pytest.approx(honest.bandwidth_hz, abs=400)


def test_a_telephone_filter_is_seen_at_its_corner(tmp_path):
    filtered = sosfilt(butter(12, 3400, fs=RATE, output="sos"), SOUND + noise(8, -30))
    assert 3300 < quality(tmp_path, filtered).bandwidth_hz < 5500


def test_wide_sound_is_wide(tmp_path):
    assert quality(tmp_path, SOUND + noise(8, -40)).bandwidth_hz > 7800


def test_no_chunk_at_all():
    empty = np.zeros(0)
    assert rate_quality(empty.astype(np.float32), empty, 0.0, 8000.0).value == 0
