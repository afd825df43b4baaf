"""Everything that a watch can be told, and what it reports."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from e2vdb.errors import UsageError
from e2vdb.references.quality import PASS, REVIEW, check_thresholds
from e2vdb.watch.alerts import Rule
from e2vdb.watch.messages import FORMATS
from e2vdb.watch.secrets import VARIABLE, AlertUrl
from e2vdb.watch.settle import SETTLE_S

Say = Callable[[str], None]
RISK = "verdict = 'risk'"
"""The condition of a watch that names a reference set and no condition."""


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """Everything that `e2vdb watch` can be told; `alert_url` is never shown.

    `least_pass` and `least_review` are the thresholds of `quality_check`.
    """

    reference: str | None = None
    alert_when: str | None = None
    alert_url: str | None = field(default=None, repr=False)
    alert_format: str = "json"
    least_pass: float = PASS
    least_review: float = REVIEW
    settle_s: float = SETTLE_S
    poll: bool = False
    quiet_start: bool = False
    source: str | None = None
    frames: str = "full"
    dimension: int | None = None

    def rule(self) -> Rule | None:
        """Return when to raise an alert, None where nothing was said of alerts.

        Raises `UsageError` for choices that do not fit together.
        """
        least = (self.least_pass, self.least_review)
        check_thresholds(*least)
        if self.alert_when is not None and not self.alert_when.strip():
            raise UsageError("The alert condition is empty; give SQL such as angry > 0.8.")
        condition = self.alert_when or (RISK if self.reference is not None else None)
        if condition is None and self.alert_url is not None:
            raise UsageError(
                "Say what to alert on: --reference NAME, --alert-when SQL or both, "
                "beside the alert URL."
            )
        return None if condition is None else Rule(condition.strip(), self.reference, least)

    def url(self) -> AlertUrl | None:
        """Return where alerts go: `alert_url`, else what the environment says."""
        text = self.alert_url if self.alert_url is not None else os.environ.get(VARIABLE)
        return AlertUrl(text.strip()) if text is not None and text.strip() else None

    def check(self) -> None:
        """Raise `UsageError` for a choice that cannot be."""
        if self.alert_format not in FORMATS:
            known = ", ".join(FORMATS)
            raise UsageError(f"alert_format must be one of {known}, not {self.alert_format!r}.")
        if not 0 <= self.settle_s <= 3600:
            raise UsageError(f"settle must be 0 to 3600 seconds, not {self.settle_s:g}.")
        if self.alert_url is not None and not self.alert_url.strip():
            raise UsageError(f"The alert URL is empty; give one, or set {VARIABLE}.")
        self.rule()


def watch_options(**choices: Any) -> WatchOptions:
    """Return options by name. Raises `UsageError` for a name that is none."""
    try:
        return WatchOptions(**choices)
    except TypeError as error:
        raise UsageError(f"watch: {error}.") from None


@dataclass(slots=True)
class WatchSummary:
    """What a watch did, from its start to its end."""

    directories: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    batches: int = 0
    alerts: int = 0
    sent: int = 0
    failed: int = 0
    waiting: int = 0

    @property
    def rows(self) -> int:
        """Rows that came in or changed."""
        return self.inserted + self.updated

    def __str__(self) -> str:
        text = (
            f"{self.directories:,} directories in {self.batches:,} batches: {self.inserted:,} new, "
            f"{self.updated:,} changed, {self.unchanged:,} unchanged, {self.rejected:,} rejected"
        )
        if not (self.alerts or self.sent or self.failed or self.waiting):
            return text
        return (
            f"{text}; {self.alerts:,} alerts raised, {self.sent:,} sent, {self.failed:,} failed, "
            f"{self.waiting:,} wait in the outbox"
        )
