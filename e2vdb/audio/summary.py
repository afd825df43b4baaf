"""What a run over recordings reports, while it goes on and at its end."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from e2vdb.audio.rejects import BadRecording
from e2vdb.ingest.names import printable


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: bytes of recordings, and seconds of sound heard in seconds of time."""

    done_bytes: float
    total_bytes: int
    audio_s: float
    elapsed_s: float
    file: str

    @property
    def speed(self) -> float:
        """How many times faster than the recordings play."""
        return self.audio_s / self.elapsed_s if self.elapsed_s else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds left, None before anything is known."""
        if not self.done_bytes:
            return None
        return self.elapsed_s * (self.total_bytes - self.done_bytes) / self.done_bytes


@dataclass(frozen=True, slots=True)
class EmbedTalk:
    """How a run reports: `say` a sentence, `progress` now and then."""

    say: Callable[[str], None] = lambda _: None
    progress: Callable[[Progress], None] = lambda _: None


SILENT = EmbedTalk()


@dataclass(frozen=True, slots=True)
class Made:
    """One output directory that was made, and what of."""

    output_dir: str
    audio_file: str
    channel: str


@dataclass(slots=True)
class EmbedSummary:
    """Recordings found = made + done before + rejected, counted by channel that is heard."""

    out: str
    model: str
    made: list[Made] = field(default_factory=list)
    done_before: int = 0
    rejects: list[BadRecording] = field(default_factory=list)
    narrow: int = 0
    audio_s: float = 0.0
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def found(self) -> int:
        """Everything that was asked for."""
        return len(self.made) + self.done_before + len(self.rejects)

    @property
    def speed(self) -> float:
        """How many times faster than the recordings play."""
        return self.audio_s / self.seconds if self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as `--json` prints it."""
        return {
            "out": printable(self.out),
            "model": self.model,
            "found": self.found,
            "made": [
                {
                    "output_dir": printable(one.output_dir),
                    "audio_file": one.audio_file,
                    "channel": one.channel,
                }
                for one in self.made
            ],
            "done_before": self.done_before,
            "rejects": [
                {"audio_file": printable(str(one.path)), "code": one.code, "detail": one.detail}
                for one in self.rejects
            ],
            "telephone": self.narrow,
            "audio_s": round(self.audio_s, 3),
            "seconds": round(self.seconds, 3),
            "speed": round(self.speed, 2),
            "interrupted": self.interrupted,
        }
