"""The table `alerts`: an alert is in it before anybody tries to send it.

Only the process that watches a folder delivers its alerts. The caller of what writes holds the
writer lock.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from e2vdb.store.commits import commit, one_of, replace, stage
from e2vdb.store.store import Store
from e2vdb.store.tables import ALERTS_TABLE
from e2vdb.store.watch_schemas import ALERTS
from e2vdb.watch.alerts import FAILED, PENDING, SENT, Alert, Rule, now


@dataclass(frozen=True, slots=True)
class Attempt:
    """How an alert stands after an attempt to post it."""

    alert_id: str
    status: str
    attempts: int
    at: datetime
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """An alert that is to be posted, how often that was tried, and since when it waits."""

    alert: Alert
    attempts: int
    since: datetime


class Outbox:
    """The alerts of one watched folder."""

    def __init__(self, store: Store, folder: str) -> None:
        self._store, self._folder = store, folder
        self._seen = -1

    def add(self, alerts: Sequence[Alert], rule: Rule) -> list[Alert]:
        """Store alerts as pending, in one commit; return those that were not there before."""
        known = self._known({one.alert_id for one in alerts})
        new = [one for one in alerts if one.alert_id not in known]
        if new:
            rows = pa.Table.from_pylist([self._row(one, rule) for one in new], schema=ALERTS)
            staged = stage(self._store.address, ALERTS_TABLE, rows, ALERTS)
            commit(self._store, ALERTS_TABLE, staged, {}, f"watch: {len(new)} alerts")
            self._note_version()
        return new

    def _known(self, ids: Collection[str]) -> set[str]:
        if not ids:
            return set()
        dataset = self._store.dataset(ALERTS_TABLE)
        found = dataset.to_table(columns=["alert_id"], filter=one_of("alert_id", ids))
        return set(found["alert_id"].to_pylist())

    def _row(self, alert: Alert, rule: Rule) -> dict[str, Any]:
        said = alert.payload
        return {
            "alert_id": alert.alert_id,
            "utterance_id": alert.utterance_id,
            "folder": self._folder,
            "condition": rule.condition,
            "reference": rule.reference,
            "emotion": said["emotion"],
            "verdict": said["verdict"],
            "similarity": said["similarity"],
            "status": PENDING,
            "attempts": 0,
            "created_at": alert.created_at,
            "payload": orjson.dumps(said).decode(),
        }

    def note(self, attempts: Sequence[Attempt]) -> None:
        """Write down what came of attempts, in one commit; the last one of an alert counts."""
        last = {one.alert_id: one for one in attempts}
        dataset = self._store.dataset(ALERTS_TABLE)
        stored = dataset.to_table(filter=one_of("alert_id", last)).to_pylist() if last else []
        for row in stored:
            found = last[row["alert_id"]]
            row |= {
                "status": found.status,
                "attempts": found.attempts,
                "last_error": found.error,
                "last_attempt_at": found.at,
                "sent_at": found.at if found.status == SENT else None,
            }
        rows = pa.Table.from_pylist(stored, schema=ALERTS)
        replace(self._store, ALERTS_TABLE, ["alert_id"], rows, f"watch: {len(stored)} attempts")
        self._note_version()

    def _note_version(self) -> None:
        self._seen = self._store.dataset(ALERTS_TABLE).version

    def changed(self) -> bool:
        """Whether somebody else has written alerts since this object last read or wrote them."""
        return bool(self._store.dataset(ALERTS_TABLE).version != self._seen)

    def pending(self) -> list[Waiting]:
        """Return this folder's alerts that are to be posted, in the order they were raised."""
        dataset = self._store.dataset(ALERTS_TABLE)
        self._seen = dataset.version
        found = dataset.to_table(filter=f"status = '{PENDING}'")
        found = found.filter(pc.equal(found["folder"], self._folder))
        rows = found.sort_by([("created_at", "ascending"), ("alert_id", "ascending")]).to_pylist()
        return [_waiting(row) for row in rows]


def _waiting(row: dict[str, Any]) -> Waiting:
    # One that was made pending again, or never tried, has all its days before it.
    since = row["created_at"] if row["attempts"] else now()
    return Waiting(_alert(row), row["attempts"], since)


def _alert(row: dict[str, Any]) -> Alert:
    payload = orjson.loads(row["payload"])
    return Alert(row["alert_id"], row["utterance_id"], row["created_at"], payload)


def send_again(store: Store, ids: Collection[str] = ()) -> int:
    """Make failed alerts pending again, all or those named; return how many.

    Their attempts, and the days after which they are given up, count anew.
    """
    wanted = f"status = '{FAILED}'" + (f" AND {one_of('alert_id', ids)}" if ids else "")
    rows = store.dataset(ALERTS_TABLE).to_table(filter=wanted).to_pylist()
    for row in rows:
        row |= {"status": PENDING, "attempts": 0}
    why = f"alerts: {len(rows)} to be sent again"
    replace(store, ALERTS_TABLE, ["alert_id"], pa.Table.from_pylist(rows, schema=ALERTS), why)
    return len(rows)
