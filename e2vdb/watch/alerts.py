"""What an alert is: which call, by which rule, and the facts that are posted."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from e2vdb.errors import UsageError
from e2vdb.ingest.labels import CHINESE, EMOTIONS

PENDING, SENT, FAILED = "pending", "sent", "failed"
STATUSES = (PENDING, SENT, FAILED)

_FACTS = (
    "utterance_id",
    "source_dir",
    "at",
    "agent",
    "customer",
    "product",
    "team",
    "emotion",
    "confidence",
    "duration_s",
    "verdict",
    "similarity",
    "nearest_id",
    "nearest_similarity",
)


@dataclass(frozen=True, slots=True)
class Rule:
    """When a call is a matter for an alert: SQL over `calls`, and the set it is compared with.

    `least` are the similarities from which on a call passes and is worth a review.
    """

    condition: str
    reference: str | None = None
    least: tuple[float, float] = (0.75, 0.60)

    def alert_id(self, utterance_id: str) -> str:
        """Return the alert's id: the same call by the same rule has the same for ever."""
        said = orjson.dumps([utterance_id, self.condition, self.reference, *self.least])
        return hashlib.blake2b(said, digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True)
class Alert:
    """One call of concern. `payload` is what is posted as JSON, and what messages are made of."""

    alert_id: str
    utterance_id: str
    created_at: datetime
    payload: Mapping[str, Any]


def make_alert(rule: Rule, row: Mapping[str, Any], moment: datetime) -> Alert:
    """Return the alert for a row of `calls` with the columns of a quality check."""
    alert_id = rule.alert_id(row["utterance_id"])
    payload: dict[str, Any] = {"alert_id": alert_id, "raised_at": _text(moment)}
    payload |= {name: _plain(row.get(name)) for name in _FACTS}
    payload["emotion_zh"] = CHINESE.get(row["emotion"] or "")
    payload["scores"] = {emotion: _plain(row[emotion]) for emotion in EMOTIONS}
    payload |= {"reference": rule.reference, "condition": rule.condition}
    return Alert(alert_id, row["utterance_id"], moment, payload)


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: floats short, moments as text."""
    if isinstance(value, float):
        return round(value, 6)
    return _text(value) if isinstance(value, datetime) else value


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def now() -> datetime:
    """Return the moment, in UTC."""
    return datetime.now(UTC)


def check_status(status: str | None) -> None:
    """Raise `UsageError` unless this is a status or None."""
    if status is not None and status not in STATUSES:
        raise UsageError(f"The status must be one of {', '.join(STATUSES)}, not {status!r}.")
