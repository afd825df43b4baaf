"""Decoding, block by block: soundfile first, PyAV for what it does not know (m4a, wma, amr)."""

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from e2vdb.audio.rejects import BadRecording

Samples = NDArray[np.float32]
BLOCK = 1 << 16
"""Frames decoded at once; memory does not grow with a call's length."""

HIGHEST_RATE = 768_000
MOST_CHANNELS = 64

# A playlist could name other files or addresses: only containers that hold their own audio.
_CONTAINERS = "mov,mp3,aac,matroska,ogg,asf,wav,flac,amr,caf,aiff,w64,ac3,eac3,mpeg,mpegts,avi,au"


class Source(Protocol):
    """An opened recording."""

    sample_rate: int
    channels: int

    def blocks(self) -> Iterator[Samples]:
        """Yield the samples in order, each block (n, channels), float32 within -1..1."""
        ...


@contextmanager
def open_recording(path: Path) -> Iterator[Source]:
    """Open a recording of any known kind. Raises `BadRecording`, here and while it is read."""
    _check_file(path)
    with ExitStack() as stack:
        with _decoder_errors(path):
            source = stack.enter_context(_opened(path))
        _check_shape(path, source)
        yield _Guarded(path, source)


class _Guarded:
    """A source whose decoder's errors are said of the recording."""

    def __init__(self, path: Path, source: Source) -> None:
        self._path, self._source = path, source
        self.sample_rate, self.channels = source.sample_rate, source.channels

    def blocks(self) -> Iterator[Samples]:
        blocks = self._source.blocks()
        while True:
            with _decoder_errors(self._path):
                block = next(blocks, None)
            if block is None:
                return
            yield block


@contextmanager
def _decoder_errors(path: Path) -> Iterator[None]:
    import soundfile

    try:
        yield
    except (soundfile.LibsndfileError, OSError, EOFError, ValueError, RuntimeError) as error:
        raise BadRecording(path, "unreadable_audio", _reason(error, path)) from error


@contextmanager
def _opened(path: Path) -> Iterator[Source]:
    import soundfile

    try:
        # Bytes on Unix, where a name need not be text; Windows knows text only.
        file = soundfile.SoundFile(str(path) if os.name == "nt" else os.fsencode(path))
    except (soundfile.LibsndfileError, TypeError):
        with _opened_by_av(path) as source:
            yield source
        return
    with file:
        yield _SoundFile(file)


class _SoundFile:
    def __init__(self, file: Any) -> None:
        self._file = file
        self.sample_rate, self.channels = int(file.samplerate), int(file.channels)

    def blocks(self) -> Iterator[Samples]:
        while len(block := self._file.read(BLOCK, dtype="float32", always_2d=True)):
            yield block


@contextmanager
def _opened_by_av(path: Path) -> Iterator[Source]:
    import av

    av.logging.set_level(None)
    options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "none"}
    with path.open("rb") as stream, av.open(stream, options=options) as container:
        if not container.streams.audio:
            raise ValueError("there is no audio in it")
        yield _Container(container)


class _Container:
    def __init__(self, container: Any) -> None:
        self._container = container
        self._stream = container.streams.audio[0]
        self._stream.thread_type = "AUTO"
        self.sample_rate = int(self._stream.rate or 0)
        self.channels = int(self._stream.channels or 0)

    def blocks(self) -> Iterator[Samples]:
        import av

        # The resampler only lays samples out side by side here; rate and channels stay.
        layout = self._stream.codec_context.layout
        plain = av.AudioResampler(format="flt", layout=layout, rate=self.sample_rate)
        gathered: list[Samples] = []
        for frame in self._container.decode(self._stream):
            gathered += map(self._array, plain.resample(frame))
            if sum(map(len, gathered)) >= BLOCK:  # packets of 20 ms would cost more than they hold
                yield np.concatenate(gathered)
                gathered = []
        gathered += map(self._array, plain.resample(None))
        if gathered:
            yield np.concatenate(gathered)

    def _array(self, frame: Any) -> Samples:
        return np.ascontiguousarray(frame.to_ndarray().reshape(-1, self.channels), np.float32)


def _check_file(path: Path) -> None:
    try:
        with path.open("rb") as stream:
            if not stream.read(1):
                raise BadRecording(path, "unreadable_audio", "the file is empty")
    except OSError as error:
        if error.errno == errno.EISDIR:
            raise BadRecording(path, "unreadable_file", "it is a folder") from error
        reason = (error.strerror or str(error)).lower()
        raise BadRecording(path, "unreadable_file", reason) from error


def _check_shape(path: Path, source: Source) -> None:
    if not 0 < source.sample_rate <= HIGHEST_RATE:
        raise BadRecording(path, "unreadable_audio", f"its sample rate is {source.sample_rate}")
    if not 0 < source.channels <= MOST_CHANNELS:
        raise BadRecording(path, "unreadable_audio", f"it has {source.channels} channels")


def _reason(error: Exception, path: Path) -> str:
    """Return what a decoder said without the path and the full stop that the message has."""
    text = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
    return str(text).replace(str(path), "it").strip().rstrip(".") or type(error).__name__
