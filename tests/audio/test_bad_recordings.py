"""What cannot be heard is a reject with its reason; the rest goes on."""

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sounds import RATE, noise, speech, write_wav

from e2vdb.audio.decode import open_recording
from e2vdb.audio.embed import embed
from e2vdb.audio.listen import listen
from e2vdb.audio.options import EmbedOptions
from e2vdb.audio.rejects import REASONS, BadRecording

SOUND = speech(1, 1)


def _truncated_flac(path):
    soundfile.write(path, speech(5, 1), RATE, format="FLAC")
    path.write_bytes(path.read_bytes()[:20_000])


def _nan(path):
    samples = SOUND.copy()
    samples[9000] = np.nan
    soundfile.write(path, samples, RATE, "FLOAT", format="WAV")


def _random(path):
    path.write_bytes(np.random.default_rng(0).bytes(5000))


BAD = {
    "missing": ("unreadable_file", lambda path: None),
    "folder.wav": ("unreadable_file", lambda path: path.mkdir()),
    "empty": ("unreadable_audio", lambda path: path.write_bytes(b"")),
    "text": ("unreadable_audio", lambda path: path.write_text("hello, this is a call")),
    "random": ("unreadable_audio", _random),
    "header_only": ("too_short", lambda path: write_wav(path, SOUND[:0])),
    "short": ("too_short", lambda path: write_wav(path, SOUND[1600:1999])),
    "silent": ("silent", lambda path: write_wav(path, 0 * SOUND)),
    "offset": ("silent", lambda path: write_wav(path, 0 * SOUND + 0.25)),
    "hiss": ("silent", lambda path: write_wav(path, noise(1, -90))),
    "cut_flac": ("unreadable_audio", _truncated_flac),
    "nan": ("unreadable_audio", _nan),
    "half_a_header": ("unreadable_audio", lambda path: path.write_bytes(b"RIFF\x00\x00")),
}


@pytest.mark.parametrize("name", BAD)
def test_each_has_its_reason(tmp_path, name):
    code, make = BAD[name]
    path = tmp_path / name
    make(path)
    with pytest.raises(BadRecording) as raised:
        listen(path, "mono", tmp_path / "pcm.wav")
    assert raised.value.code == code
    assert raised.value.path == path
    assert code in REASONS
    assert str(path) in str(raised.value)
    assert "\n" not in raised.value.detail


def test_all_together_leave_the_good_one_alone(tmp_path, model):
    (tmp_path / "calls").mkdir()
    for name, (_, make) in BAD.items():
        make(tmp_path / "calls" / name)
    good = write_wav(tmp_path / "calls" / "good.wav", SOUND)
    words = [tmp_path / "calls" / name for name in BAD if name != "folder.wav"]
    done = embed([*words, good], tmp_path / "out", EmbedOptions(model))
    assert [one.audio_file for one in done.made] == [str(good)]
    expected = sorted(code for name, (code, _) in BAD.items() if name != "folder.wav")
    assert sorted(one.code for one in done.rejects) == expected
    assert done.found == len(words) + 1
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_25_ms_is_the_least(tmp_path, model):
    path = write_wav(tmp_path / "a.wav", SOUND[4000:4400])
    assert len(embed([path], tmp_path / "out", EmbedOptions(model)).made) == 1


def test_a_wav_cut_off_while_it_was_written_gives_what_is_there(tmp_path):
    path = write_wav(tmp_path / "a.wav", speech(4, 1))
    path.write_bytes(path.read_bytes()[: 44 + 2 * RATE * 2])
    assert listen(path, "mono", tmp_path / "pcm.wav").duration_s == pytest.approx(2, abs=0.01)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(min_size=1, max_size=400), st.integers(0, 300), st.sampled_from(["wav", "flac"]))
def test_no_bytes_do_more_than_be_rejected(tmp_path_factory, data, at, kind):
    path = tmp_path_factory.mktemp("hostile") / f"a.{kind}"
    soundfile.write(path, SOUND[:4000], RATE, "PCM_16")
    whole = bytearray(path.read_bytes())
    whole[at : at + len(data)] = data
    path.write_bytes(whole)
    try:
        with open_recording(path) as source:
            for number, block in enumerate(source.blocks()):
                assert block.ndim == 2
                if number > 50:
                    break
    except BadRecording as error:
        assert error.code in REASONS
