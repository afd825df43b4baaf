"""What an ingest did, in numbers that add up."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from e2vdb.loading.metadata import MetadataSummary


@dataclass(slots=True)
class IngestSummary:
    """Directories found = inserted + updated + unchanged + rejected, always."""

    root: str
    database: str
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    reject_codes: Counter[str] = field(default_factory=Counter)
    reject_examples: list[str] = field(default_factory=list)
    frames: int = 0
    links_not_followed: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    version: int = 0
    notes: list[str] = field(default_factory=list)
    metadata: MetadataSummary | None = None

    @property
    def rejected(self) -> int:
        """Directories that could not become rows."""
        return self.reject_codes.total()

    @property
    def found(self) -> int:
        """All input directories that the visit came to."""
        return self.inserted + self.updated + self.unchanged + self.rejected

    @property
    def rate(self) -> float:
        """Directories a second."""
        return self.found / self.seconds if self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as `--json` prints it."""
        return {
            "root": self.root,
            "database": self.database,
            "found": self.found,
            "inserted": self.inserted,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "rejected": self.rejected,
            "reject_codes": dict(sorted(self.reject_codes.items())),
            "frames": self.frames,
            "links_not_followed": self.links_not_followed,
            "seconds": round(self.seconds, 3),
            "directories_per_second": round(self.rate, 1),
            "interrupted": self.interrupted,
            "version": self.version,
            "notes": self.notes,
            "metadata": self.metadata.as_dict() if self.metadata else None,
        }
