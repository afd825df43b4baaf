"""Mix, one side, or each side by itself."""

import numpy as np
import pytest
from sounds import noise, read_wav, speech, write_wav

from e2vdb.audio import recognise
from e2vdb.audio.channels import channels_to_hear
from e2vdb.audio.embed import embed
from e2vdb.audio.options import EmbedOptions
from e2vdb.audio.rejects import BadRecording

AGENT, CUSTOMER = speech(3, 1, pitch=110), speech(3, 2, pitch=190)
CALL = np.stack([AGENT, CUSTOMER], axis=1)


def test_each_side_is_what_it_would_be_alone(tmp_path, model):
    call = write_wav(tmp_path / "call.wav", CALL)
    mixed = write_wav(tmp_path / "mixed.wav", CALL.mean(axis=1))
    for channel, sound in (("left", AGENT), ("right", CUSTOMER)):
        alone = recognise(write_wav(tmp_path / "alone.wav", sound), model)
        found = recognise(call, model, channel=channel)
        np.testing.assert_array_equal(found.embedding, alone.embedding)
        assert found.channel == channel
    found = recognise(call, model)
    np.testing.assert_allclose(found.embedding, recognise(mixed, model).embedding, atol=1e-2)
    assert found.channel == "mono"


def test_split_makes_two_utterances(tmp_path, model):
    call = write_wav(tmp_path / "call.wav", CALL)
    done = embed([call], tmp_path / "out", EmbedOptions(model, channel="split"))
    assert [one.channel for one in done.made] == ["left", "right"]
    for made, sound in zip(done.made, (AGENT, CUSTOMER), strict=True):
        samples, _, _ = read_wav(tmp_path / "out" / made.output_dir / "processed_audio.wav")
        np.testing.assert_allclose(samples[:, 0], sound, atol=1 / 32768)


def test_a_silent_side_is_a_reject_and_the_other_goes_on(tmp_path, model):
    call = write_wav(tmp_path / "call.wav", np.stack([AGENT, 0 * AGENT], axis=1))
    done = embed([call], tmp_path / "out", EmbedOptions(model, channel="split"))
    assert [one.channel for one in done.made] == ["left"]
    assert [one.code for one in done.rejects] == ["silent"]


def test_one_channel_is_mono_whatever_is_asked(tmp_path):
    for choice in ("mono", "left", "split"):
        assert channels_to_hear(tmp_path, choice, 1) == ("mono",)
    with pytest.raises(BadRecording, match="no_such_channel"):
        channels_to_hear(tmp_path, "right", 1)


def test_more_than_two_channels(tmp_path, model):
    assert channels_to_hear(tmp_path, "split", 3) == ("left", "right", "channel_3")
    three = np.stack([0 * AGENT, 0 * AGENT, AGENT], axis=1) + noise(3, -60)[:, None]
    call = write_wav(tmp_path / "call.wav", three)
    done = embed([call], tmp_path / "out", EmbedOptions(model, channel="split"))
    assert [one.channel for one in done.made] == ["left", "right", "channel_3"]
