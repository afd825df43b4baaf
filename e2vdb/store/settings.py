"""Choices stored with the database, so that every machine applies the same."""

from dataclasses import asdict, dataclass, fields

import pyarrow as pa

from e2vdb.errors import UsageError
from e2vdb.ingest.limits import Limits
from e2vdb.store.commits import replace
from e2vdb.store.store import Store
from e2vdb.store.tables import SETTINGS, SETTINGS_TABLE


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings with their defaults; `e2vdb config` shows and changes them."""

    max_abs: float = 5.0
    norm_min: float = 15.0
    norm_max: float = 25.0
    frames_tolerance: float = 1e-3
    variance: float = 0.95
    alert_attempts: float = 1000.0
    alert_days: float = 3.0

    @property
    def limits(self) -> Limits:
        """The part that ingestion warns by."""
        return Limits(self.max_abs, self.norm_min, self.norm_max, self.frames_tolerance)


ABOUT = {
    "max_abs": "values beyond it carry the warning out_of_range",
    "norm_min": "shorter vectors carry the warning norm_outlier",
    "norm_max": "longer vectors carry the warning norm_outlier",
    "frames_tolerance": "how far a vector may be from its frames' mean",
    "variance": "share of the variance that distilled vectors keep (0..1)",
    "alert_attempts": "failed posts after which `e2vdb watch` gives an alert up",
    "alert_days": "days after which it gives up an alert that fails",
}


def read_settings(store: Store) -> Settings:
    """Return the database's settings, defaults where none was set."""
    stored = store.dataset(SETTINGS_TABLE).to_table()
    known = {field.name for field in fields(Settings)}
    pairs = zip(stored["name"].to_pylist(), stored["value"].to_pylist(), strict=True)
    return Settings(**{name: value for name, value in pairs if name in known})


def write_setting(store: Store, name: str, value: float) -> Settings:
    """Store one setting. Raises `UsageError` for an unknown name or a value that does not fit."""
    check_setting(name, value)
    row = pa.table({"name": [name], "value": [value]}, schema=SETTINGS)
    if asdict(read_settings(store))[name] != value:
        replace(store, SETTINGS_TABLE, ["name"], row, f"config {name} = {value}")
    return read_settings(store)


def check_setting(name: str, value: float) -> None:
    """Raise `UsageError` unless this is a setting and a value it can have."""
    if name not in ABOUT:
        raise UsageError(f"There is no setting {name!r}; settings are {', '.join(ABOUT)}.")
    if not value >= 0 or value == float("inf"):
        raise UsageError(f"{name} must be a number not below 0, not {value}.")
    if name == "variance" and not 0 < value <= 1:
        raise UsageError(f"variance must lie between 0 and 1, not {value}.")
