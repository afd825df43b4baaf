"""Every kind of file, and the road to 16 kHz."""

from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from scipy.signal import resample_poly
from sounds import RATE, read_wav, speech, write_wav

from e2vdb.audio import recognise
from e2vdb.audio.decode import open_recording
from e2vdb.audio.listen import listen
from e2vdb.audio.rejects import BadRecording

SOUND = speech(3, 7)


def encode(path: Path, samples: np.ndarray, codec: str, rate: int = RATE) -> Path:
    """A file made by FFmpeg, in the container that its name says."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), "fltp", "mono")
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            out.mux(packet)
    return path


def heard(tmp_path: Path, path: Path, channel: str = "mono"):
    """What the first pass measured, and the samples it left."""
    found = listen(path, channel, tmp_path / "pcm.wav")
    samples, rate, width = read_wav(tmp_path / "pcm.wav")
    assert (rate, width, samples.shape[1]) == (16_000, 2, 1)
    assert found.samples == len(samples)
    return found, samples[:, 0]


@pytest.mark.parametrize(
    ("name", "subtype"),
    [
        ("a.wav", "PCM_16"),
        ("a.wav", "PCM_24"),
        ("a.wav", "FLOAT"),
        ("a.flac", "PCM_16"),
        ("a.aiff", "PCM_16"),
        ("a.au", "PCM_16"),
        ("a.w64", "PCM_16"),
    ],
)
def test_lossless_kinds_keep_every_sample(tmp_path, name, subtype):
    soundfile.write(tmp_path / name, SOUND, RATE, subtype)
    found, samples = heard(tmp_path, tmp_path / name)
    np.testing.assert_allclose(samples, SOUND, atol=1.01 / 32768)
    assert found.sample_rate_original == RATE


def test_16_bit_16_khz_is_taken_bit_for_bit(tmp_path):
    path = write_wav(tmp_path / "a.wav", SOUND)
    heard(tmp_path, path)
    assert (read_wav(tmp_path / "pcm.wav")[0] == read_wav(path)[0]).all()


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp3", "libmp3lame"),
        ("a.m4a", "aac"),
        ("a.aac", "aac"),
        ("a.opus", "libopus"),
        ("a.webm", "libopus"),
    ],
)
def test_lossy_kinds_sound_the_same(tmp_path, name, codec):
    found, samples = heard(tmp_path, encode(tmp_path / name, SOUND, codec))
    assert abs(found.duration_s - 3) < 0.15
    assert _best_correlation(samples, SOUND) > 0.9


def test_ogg_vorbis(tmp_path):
    soundfile.write(tmp_path / "a.ogg", SOUND, RATE, "VORBIS")
    _, samples = heard(tmp_path, tmp_path / "a.ogg")
    assert _best_correlation(samples, SOUND) > 0.9


def test_a_wrong_suffix_does_not_matter(tmp_path):
    encode(tmp_path / "a.m4a", SOUND, "aac").rename(tmp_path / "a.wav")
    found, _ = heard(tmp_path, tmp_path / "a.wav")
    assert abs(found.duration_s - 3) < 0.15


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000])
def test_resampled_as_a_polyphase_filter_of_scipy_does(tmp_path, rate):
    up, down = rate // 25, RATE // 25
    path = write_wav(tmp_path / "a.wav", resample_poly(SOUND, up, down), rate)
    found, samples = heard(tmp_path, path)
    expected = resample_poly(read_wav(path)[0][:, 0], down, up)
    assert found.sample_rate_original == rate
    assert abs(len(samples) - len(expected)) <= 2
    length = min(len(samples), len(expected))
    error = samples[:length] - expected[:length]
    assert np.sqrt((error**2).mean()) < 0.03 * np.sqrt((expected**2).mean())


def test_blocks_join_without_a_seam(tmp_path):
    """Longer than a block of the decoder, at a rate whose blocks do not divide evenly."""
    tone = 0.5 * np.sin(2 * np.pi * 300 * np.arange(44100 * 6) / 44100)
    _, samples = heard(tmp_path, write_wav(tmp_path / "a.wav", tone, 44100))
    expected = 0.5 * np.sin(2 * np.pi * 300 * np.arange(len(samples)) / RATE)
    middle = slice(2000, -2000)
    assert np.abs(samples[middle] - expected[middle]).max() < 1e-3


def test_a_playlist_opens_nothing_else(tmp_path):
    secret = write_wav(tmp_path / "secret.wav", SOUND)
    playlist = tmp_path / "list.m3u8"
    playlist.write_text(f"#EXTM3U\n#EXTINF:3,\n{secret}\n#EXT-X-ENDLIST\n")
    concat = tmp_path / "concat.wav"
    concat.write_text(f"ffconcat version 1.0\nfile '{secret}'\n")
    for path in (playlist, concat):
        with pytest.raises(BadRecording, match="unreadable_audio"), open_recording(path) as source:
            list(source.blocks())


def test_the_same_sound_in_two_kinds_gives_the_same_vector(tmp_path, model):
    soundfile.write(tmp_path / "a.flac", SOUND, RATE, "PCM_16")
    wav = recognise(write_wav(tmp_path / "a.wav", SOUND), model)
    flac = recognise(tmp_path / "a.flac", model)
    np.testing.assert_allclose(wav.embedding, flac.embedding, atol=1e-2)


def _best_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """The largest correlation over a shift of up to 0.15 s, which lossy kinds may add."""
    size = 1 << 17
    product = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)), size)
    near = np.concatenate([product[:2400], product[-2400:]])
    return float(near.max() / np.linalg.norm(one) / np.linalg.norm(other))
