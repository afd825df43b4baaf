"""The model itself: FunASR's AutoModel, asked window by window for the vectors of all frames."""

import logging
import os
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from e2vdb.audio.extra import check_installed
from e2vdb.audio.head import ModelHead, head_of
from e2vdb.audio.listen import FULL_SCALE, Heard
from e2vdb.audio.models import find_model, revision
from e2vdb.audio.resample import RATE
from e2vdb.audio.windows import (
    FIELD,
    FRAMES_A_SECOND,
    HOP,
    OVERLAP_S,
    WINDOW_S,
    Window,
    frame_count,
    plan_windows,
)
from e2vdb.errors import InputError, UsageError

Floats = NDArray[np.float32]
DEVICES = ("cpu", "cuda")
_NORMALISE_EPS = 1e-5


class Recogniser:
    """A loaded model: `name`, `folder`, `dimension` D, and `head`, None where it has none."""

    def __init__(self, model: str, device: str = "cpu") -> None:
        check_installed()
        check_device(device)
        self.name, self.folder = find_model(model)
        self.device = device
        self._model, labels = _load(self.folder, device)
        self._normalises = bool(self._model.cfg.normalize)
        self.dimension = int(self._model.cfg.embed_dim)
        self.head: ModelHead | None = None
        if self._model.proj is not None and labels:
            weight, bias = (one.detach().cpu().numpy() for one in self._model.proj.parameters())
            self.head = head_of(weight, bias, labels)

    @property
    def revision(self) -> str:
        """What tells these weights from others of the same name."""
        return revision(self.folder)

    def frames(
        self,
        heard: Heard,
        window_s: float = WINDOW_S,
        overlap_s: float = OVERLAP_S,
        report: Callable[[float], None] = lambda _: None,
    ) -> Iterator[Floats]:
        """Yield the vectors of all frames in order, blocks (n, D); frame i starts at i * 0.020 s.

        Memory is that of one window, whatever the length. `report` gets the seconds done.
        """
        total = frame_count(heard.samples)
        with wave.open(str(heard.pcm), "rb") as pcm:
            for window in plan_windows(total, heard.speech, window_s, overlap_s):
                vectors = self._vectors(_samples(pcm, window), heard)
                yield vectors[window.kept_from - window.first : window.kept_to - window.first]
                report(window.kept_to / FRAMES_A_SECOND)

    def _vectors(self, samples: Floats, heard: Heard) -> Floats:
        """Return the vectors (n, D) of one window's frames.

        The whole call's mean and variance normalise it, as they would in one pass.
        """
        import torch

        if self._normalises:
            scale = 1 / np.sqrt(heard.variance + _NORMALISE_EPS)
            samples = ((samples - np.float32(heard.mean)) * np.float32(scale)).astype(np.float32)
        try:
            with torch.inference_mode():
                source = torch.from_numpy(samples).to(self.device).view(1, -1)
                found = self._model.extract_features(source, padding_mask=None)["x"]
                vectors: Floats = found.squeeze(0).float().cpu().numpy()
        except RuntimeError as error:
            reason = str(error).split("\n", 1)[0][:200]
            raise UsageError(
                f"The model failed on {len(samples) / RATE:.0f} s of sound ({reason}); "
                "where memory is short, make --window smaller."
            ) from error
        return vectors


def _samples(pcm: wave.Wave_read, window: Window) -> Floats:
    pcm.setpos(window.first * HOP)
    wanted = (window.last - window.first - 1) * HOP + FIELD
    values = np.frombuffer(pcm.readframes(wanted), "<i2").astype(np.float32)
    samples: Floats = values / np.float32(FULL_SCALE)
    return samples


def check_device(device: str) -> None:
    """Raise `UsageError` unless this machine has the device."""
    kind = device.partition(":")[0]
    if kind not in DEVICES:
        raise UsageError(f"device must be one of {', '.join(DEVICES)}, not {device!r}.")
    if kind == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise UsageError("There is no CUDA device that torch can use; leave --device out.")


def _load(folder: Path, device: str) -> tuple[Any, list[str]]:
    """Return FunASR's model and its labels; it never goes to the network for a directory."""
    import torch

    with _quiet():
        from funasr import AutoModel

        try:
            loaded = AutoModel(
                model=str(folder),
                device=device,
                disable_update=True,
                check_latest=False,
                trust_remote_code=False,
                disable_pbar=True,
                ncpu=torch.get_num_threads(),
                log_level="ERROR",
            )
        except Exception as error:
            reason = str(error).strip().split("\n", 1)[0][:200] or type(error).__name__
            raise InputError(f"FunASR cannot load the model in {folder}: {reason}.") from error
    model = loaded.model
    if not hasattr(model, "extract_features") or not hasattr(model, "proj"):
        raise InputError(f"{folder} holds a {type(model).__name__}, not an Emotion2Vec model.")
    return model, list(loaded.kwargs.get("token_list") or [])


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep FunASR's chatter off stdout, which is data, and out of the root logger."""
    root = logging.getLogger()
    silent, disabled = logging.NullHandler(), root.manager.disable
    root.addHandler(silent)
    logging.disable(logging.WARNING)
    try:
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
            yield
    finally:
        logging.disable(disabled)
        root.removeHandler(silent)


@lru_cache(maxsize=2)
def recogniser(model: str, device: str = "cpu") -> Recogniser:
    """Return a model, loaded once a process."""
    return Recogniser(model, device)
