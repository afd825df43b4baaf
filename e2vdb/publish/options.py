"""What a publication holds and where it goes, checked before any work begins."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path

from e2vdb.errors import UsageError
from e2vdb.ingest.schema import SECONDS_PER_FRAME

VECTORS = ("none", "distilled", "full")
FRAME_STEP_S = 0.5
EMBEDDING_ATLAS = "embedding-atlas"
DUCKDB_SUFFIXES = (".duckdb", ".db", ".ddb")


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """Choices of a publication; two publications with the same ones hold the same columns.

    `frame_step` is the time in seconds between the frames that are kept, 0.02 for all of them,
    0 for none. `timezone` is that of the calls' times; None takes the machine's.
    """

    vectors: str = "none"
    since: str | date | None = None
    frame_step: float = FRAME_STEP_S
    timezone: str | None = None
    map: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "since", since_text(self.since))
        if self.vectors not in VECTORS:
            raise UsageError(f"vectors must be none, distilled or full, not {self.vectors!r}.")
        if self.frame_step and not SECONDS_PER_FRAME <= self.frame_step <= 3600:
            raise UsageError(
                f"The frame step must be 0 (no frames) or 0.02 to 3600 seconds, "
                f"not {self.frame_step:g}."
            )

    @property
    def nth_frame(self) -> int:
        """Every how many-th frame is kept, 0 for none."""
        return round(self.frame_step / SECONDS_PER_FRAME)

    def as_dict(self) -> dict[str, object]:
        """Return the choices by name, as `meta.options` shows them."""
        return asdict(self)


def since_text(since: str | date | None) -> str | None:
    """Return a date or time as ISO text. Raises `UsageError` for anything else."""
    if since is None:
        return None
    if isinstance(since, date):
        since = since.isoformat()
    try:
        moment = datetime.fromisoformat(since.strip())
    except ValueError:
        raise UsageError(
            f"{since!r} is no date; give one such as 2026-01-31 or 2026-01-31T18:00."
        ) from None
    if moment.tzinfo is not None:
        raise UsageError(f"{since!r} has a zone; give the calls' local time without one.")
    return moment.isoformat(sep=" ")


def format_of(target: str, wanted: str | None) -> str:
    """Return duckdb, parquet, folder or embedding-atlas, by the target's name and the wish."""
    if "://" in target:
        raise UsageError(f"{target} is no local path; publish to a file and upload that.")
    path = Path(target)
    suffix = path.suffix.lower()
    if wanted is not None and wanted != EMBEDDING_ATLAS:
        raise UsageError(f"--for knows {EMBEDDING_ATLAS}, not {wanted!r}.")
    if wanted == EMBEDDING_ATLAS:
        if suffix != ".parquet":
            raise UsageError(f"{target} must end in .parquet for {EMBEDDING_ATLAS}.")
        return EMBEDDING_ATLAS
    named_as_folder = target.endswith(("/", "\\"))
    if suffix in DUCKDB_SUFFIXES and not named_as_folder:
        return "duckdb"
    if suffix == ".parquet" and not named_as_folder:
        return "parquet"
    if named_as_folder or path.is_dir():
        return "folder"
    raise UsageError(
        f"{target} does not say what to publish: end it in .duckdb for a DuckDB file, in .parquet "
        "for the calls alone, in / for a folder of Parquet files."
    )
