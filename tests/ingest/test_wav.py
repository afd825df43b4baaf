"""Duration and sample rate as the wave module reads them, and nothing raised on any bytes."""

import struct
import wave

import pytest
from build import write_output, write_wav
from hypothesis import given
from hypothesis import strategies as st

from e2vdb.ingest.wav import UNKNOWN, Audio, read_audio


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) & 1)


def fmt(rate: int = 16_000, bytes_a_second: int = 32_000) -> bytes:
    return chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, rate, bytes_a_second, 2, 16))


def riff(*chunks: bytes) -> bytes:
    return b"RIFF\xff\xff\xff\xffWAVE" + b"".join(chunks)


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
@pytest.mark.parametrize("seconds", [0.0, 0.5, 2.25])
def test_agrees_with_the_wave_module(tmp_path, rate, seconds):
    path = write_wav(tmp_path / "a.wav", seconds, rate)
    with wave.open(str(path)) as sound:
        expected = Audio(sound.getnframes() / sound.getframerate(), sound.getframerate())
    data = path.read_bytes()
    assert read_audio(data[:4096], len(data)) == expected


def test_other_chunks_may_come_first():
    data = riff(chunk(b"LIST", b"odd"), fmt(), chunk(b"data", b"\0" * 16_000))
    assert read_audio(data, len(data)) == Audio(0.5, 16_000)


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF])
def test_a_streams_length_is_what_the_file_holds(length):
    data = riff(fmt()) + b"data" + struct.pack("<I", length) + b"\0" * 32_000
    assert read_audio(data, len(data)) == Audio(1.0, 16_000)


@pytest.mark.parametrize(
    ("data", "audio"),
    [
        (b"", UNKNOWN),
        (b"ID3 an mp3", UNKNOWN),
        (b"RIFF\0\0\0\0WAVE", UNKNOWN),
        (riff(fmt()), Audio(None, 16_000)),
        (riff(fmt(bytes_a_second=0), chunk(b"data", b"\0" * 9)), Audio(None, 16_000)),
        (riff(fmt(rate=0xFFFFFFFF), chunk(b"data", b"\0" * 32_000)), Audio(1.0, None)),
        (riff(chunk(b"data", b"\0" * 9)), UNKNOWN),
    ],
)
def test_headers_that_do_not_say(data, audio):
    assert read_audio(data, len(data)) == audio


@given(st.binary(max_size=80).map(lambda tail: riff() + tail) | st.binary(), st.integers(0, 2**40))
def test_any_bytes_give_an_answer_that_fits_the_columns(data, size):
    duration, rate = read_audio(data, size)
    assert duration is None or duration >= 0
    assert rate is None or 0 < rate < 2**31


def test_a_broken_sound_file_costs_nothing_but_the_duration(root, read):
    folder = write_output(root, "call")
    data = riff(fmt(rate=0xFFFFFFFF, bytes_a_second=1), chunk(b"data", b"\0\0"))
    (folder / "processed_audio.wav").write_bytes(data)
    row = read(root).rows["call"]
    assert (row["duration_s"], row["sample_rate"]) == (2.0, None)
