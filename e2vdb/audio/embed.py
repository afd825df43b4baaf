"""The job of `e2vdb embed`: many recordings into one folder of output directories."""

import os
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from e2vdb.audio.channels import channels_to_hear
from e2vdb.audio.claims import Busy, Workshop
from e2vdb.audio.decode import open_recording
from e2vdb.audio.directory import FrameFiles, complete, publish, write_results
from e2vdb.audio.extra import check_installed
from e2vdb.audio.finished import File, Finished, Origin, Recipe, file_of
from e2vdb.audio.inputs import recordings
from e2vdb.audio.listen import listen
from e2vdb.audio.models import find_model, revision
from e2vdb.audio.options import EmbedOptions
from e2vdb.audio.recogniser import Recogniser, recogniser
from e2vdb.audio.recognition import Mean, recognition
from e2vdb.audio.rejects import BadRecording
from e2vdb.audio.summary import SILENT, EmbedSummary, EmbedTalk, Made, Progress
from e2vdb.audio.windows import frame_count
from e2vdb.errors import InputError, StorageError
from e2vdb.ingest.layouts import AUDIO

NARROW_HZ = 4200
"""Bandwidth below which a recording is telephone audio, whatever its header says."""


def embed(
    words: Iterable[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    options: EmbedOptions | None = None,
    talk: EmbedTalk = SILENT,
    ready: Callable[[Recogniser], None] = lambda _: None,
) -> EmbedSummary:
    """Write an output directory below `out` for every recording that has none there yet.

    `words` are files, folders, patterns or lists of files. A recording that cannot be heard is
    a reject and the rest goes on. `ready` sees the model before it hears anything; it is not
    loaded where nothing is to be done. Raises `UsageError`, `InputError`, `StorageError`.
    """
    check_installed()
    options = options or EmbedOptions()
    options.check()
    paths = recordings(words)
    if not paths:
        raise InputError(f"There is no recording in {', '.join(map(str, words))}.")
    name, folder = find_model(options.model)
    target = _made(out)
    recipe = Recipe(revision(folder), options.window_s, options.overlap_s, options.frames)
    summary = EmbedSummary(str(target), name)
    try:
        _Run(target, options, recipe, talk, summary, ready).go(paths)
    except OSError as error:
        raise StorageError(
            f"{target} cannot be written: {error.strerror or error}. What was finished before is "
            "whole; mend the cause and run the command again."
        ) from error
    return summary


def _made(out: str | os.PathLike[str]) -> Path:
    folder = Path(out).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"{folder} cannot be made: {reason}.") from error
    return folder.resolve()


class _Run:
    """One run over a list of recordings."""

    def __init__(
        self,
        out: Path,
        options: EmbedOptions,
        recipe: Recipe,
        talk: EmbedTalk,
        summary: EmbedSummary,
        ready: Callable[[Recogniser], None],
    ) -> None:
        self._out, self._options, self._recipe = out, options, recipe
        self._talk, self._summary, self._ready = talk, summary, ready
        self._model: Recogniser | None = None
        self._workshop, self._finished = Workshop(out), Finished(out)
        self._started = time.monotonic()
        self._done_bytes = 0.0
        self._total_bytes = 0
        self._heard_s = 0.0

    def go(self, paths: list[Path]) -> None:
        """Work through the recordings; those that another process has begun come last."""
        self._workshop.sweep()
        todo = [one for path in paths for one in self._todo(path)]
        self._total_bytes = sum(file.size for file, _ in todo)
        self._started = time.monotonic()
        later = []
        try:
            for file, channel in todo:
                if not self._attempt(file, channel, wait=False):
                    later.append((file, channel))
            for file, channel in later:
                self._attempt(file, channel, wait=True)
        except KeyboardInterrupt:
            self._summary.interrupted = True
        finally:
            self._workshop.sweep()
        self._summary.seconds = time.monotonic() - self._started

    def _todo(self, path: Path) -> list[tuple[File, str]]:
        """Return the channels of a recording that are not done, by a look at its times."""
        try:
            file = file_of(path)
            with open_recording(path) as source:
                channels = channels_to_hear(path, self._options.channel, source.channels)
        except BadRecording as error:
            self._summary.rejects.append(error)
            return []
        new = [one for one in channels if not self._finished.has(file, one, self._recipe)]
        self._summary.done_before += len(channels) - len(new)
        return [(file, channel) for channel in new]

    def _attempt(self, file: File, channel: str, *, wait: bool) -> bool:
        """Make one output directory; False where another process is at it."""
        before = self._done_bytes
        try:
            with self._workshop.claim(f"{file.audio_file}\n{channel}", wait=wait) as staging:
                self._make(file, channel, staging)
        except Busy:
            return False
        except BadRecording as error:
            self._summary.rejects.append(BadRecording(file.path, error.code, error.detail))
        self._done_bytes = before + file.size
        return True

    def _make(self, file: File, channel: str, staging: Path) -> None:
        started = datetime.now()
        origin = Origin(
            file.audio_file, channel, file.sha256(), file.size, file.mtime_ns, self._recipe
        )
        self._finished.look()  # another process may have made it meanwhile
        known = self._finished.find(origin)
        if known is not None and known[0].recipe.covers(self._recipe):
            self._summary.done_before += 1
            return
        self._recognise(file, origin, staging)
        if known is not None:
            folder = complete(staging, known[1])
        else:
            folder = publish(staging, self._out, self._workshop, started)
        self._finished.note(folder)
        self._summary.made.append(Made(str(folder), file.audio_file, channel))

    def _recognise(self, file: File, origin: Origin, staging: Path) -> None:
        """Fill the staging folder with everything that an output directory has."""
        loaded = self._loaded()
        heard = listen(file.path, origin.channel, staging / AUDIO)
        if heard.quality.bandwidth_hz <= NARROW_HZ:
            self._summary.narrow += 1
        mean, begun_s, begun = Mean(loaded.dimension), self._heard_s, self._done_bytes

        def report(done_s: float) -> None:
            self._heard_s = begun_s + done_s
            self._done_bytes = begun + file.size * done_s / heard.duration_s
            self._talk.progress(self._progress(file))

        frames = None
        if self._recipe.frames:
            frames = FrameFiles(staging, frame_count(heard.samples), loaded.head)
        for block in loaded.frames(heard, self._recipe.window_s, self._recipe.overlap_s, report):
            mean.add(block)
            if frames is not None:
                frames.add(block)
        if frames is not None:
            frames.close()
        write_results(staging, recognition(loaded, heard, origin.channel, mean), origin)
        self._heard_s = begun_s + heard.duration_s
        self._summary.audio_s += heard.duration_s

    def _loaded(self) -> Recogniser:
        """Return the model, loaded when the first recording needs it; that time is not counted."""
        if self._model is None:
            begun = time.monotonic()
            self._model = recogniser(self._options.model, self._options.device)
            self._ready(self._model)
            self._started += time.monotonic() - begun
        return self._model

    def _progress(self, file: File) -> Progress:
        return Progress(
            self._done_bytes,
            self._total_bytes,
            self._heard_s,
            time.monotonic() - self._started,
            file.path.name,
        )
