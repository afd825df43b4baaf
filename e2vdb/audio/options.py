"""How recordings are to be heard."""

from dataclasses import dataclass

from e2vdb.audio.channels import CHOICES, MONO
from e2vdb.audio.models import DEFAULT_MODEL
from e2vdb.audio.recogniser import check_device
from e2vdb.audio.windows import OVERLAP_S, WINDOW_S, check_windows
from e2vdb.errors import UsageError


@dataclass(frozen=True, slots=True)
class EmbedOptions:
    """Everything that `e2vdb embed` can be told of how to hear."""

    model: str = DEFAULT_MODEL
    channel: str = MONO
    frames: bool = False
    device: str = "cpu"
    window_s: float = WINDOW_S
    overlap_s: float = OVERLAP_S

    def check(self) -> None:
        """Raise `UsageError` for what cannot be."""
        if self.channel not in CHOICES:
            raise UsageError(f"channel must be one of {', '.join(CHOICES)}, not {self.channel!r}.")
        check_windows(self.window_s, self.overlap_s)
        check_device(self.device)
