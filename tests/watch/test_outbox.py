"""The table of alerts: in it before they are sent, once each, in order."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from demo_database import plain_database
from trees import table

import e2vdb
from e2vdb.errors import UsageError
from e2vdb.store.address import resolve
from e2vdb.store.store import Store
from e2vdb.watch.alerts import FAILED, PENDING, SENT, Alert, Rule
from e2vdb.watch.outbox import Attempt, Outbox, send_again

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
RULE = Rule("angry > 0.8", "excellent")


def alert(number: int) -> Alert:
    said = {"emotion": "angry", "verdict": "risk", "similarity": 0.5, "名": number}
    moment = MOMENT + timedelta(microseconds=number)
    return Alert(RULE.alert_id(str(number)), str(number), moment, said)


@pytest.fixture
def address(tmp_path: Path) -> Path:
    return plain_database(tmp_path)


@pytest.fixture
def outbox(address: Path) -> Outbox:
    return Outbox(Store(resolve(address)), "/in/here")


def test_once_each_and_in_order(outbox: Outbox, address: Path) -> None:
    assert outbox.add([alert(3), alert(1)], RULE) == [alert(3), alert(1)]
    assert outbox.add([alert(1), alert(2), alert(3)], RULE) == [alert(2)]
    assert outbox.add([], RULE) == []
    assert [one.alert for one in outbox.pending()] == [alert(1), alert(2), alert(3)]
    assert Outbox(Store(resolve(address)), "/elsewhere").pending() == []
    with e2vdb.connect(address) as db:
        query = "SELECT status, attempts, folder, condition, reference FROM alerts"
        assert (
            db.sql(query).fetchall() == [(PENDING, 0, "/in/here", RULE.condition, "excellent")] * 3
        )


def test_attempts(outbox: Outbox, address: Path) -> None:
    outbox.add([alert(1), alert(2), alert(3)], RULE)
    late = MOMENT + timedelta(hours=1)
    one, two, three = (alert(number).alert_id for number in (1, 2, 3))
    outbox.note(
        [
            Attempt(one, PENDING, 1, MOMENT, "answered 500"),
            Attempt(one, SENT, 2, late),
            Attempt(two, FAILED, 9, late, "answered 400"),
            Attempt("unknown", SENT, 1, late),
        ]
    )
    outbox.note([])
    with e2vdb.connect(address) as db:
        query = (
            "SELECT utterance_id, status, attempts, last_error, sent_at = last_attempt_at "
            "FROM alerts ORDER BY utterance_id"
        )
        assert db.sql(query).fetchall() == [
            ("1", SENT, 2, None, True),
            ("2", FAILED, 9, "answered 400", None),
            ("3", PENDING, 0, None, None),
        ]
        assert [row[1] for row in db.alerts("failed").fetchall()] == ["2"]
        assert len(db.alerts().fetchall()) == 3
        with pytest.raises(UsageError, match="pending, sent, failed"):
            db.alerts("lost")
    assert [waiting.alert.alert_id for waiting in outbox.pending()] == [three]


def test_how_long_one_has_waited(outbox: Outbox) -> None:
    outbox.add([alert(1), alert(2)], RULE)
    outbox.note([Attempt(alert(1).alert_id, PENDING, 4, MOMENT, "x")])
    tried, fresh = outbox.pending()
    assert (tried.attempts, tried.since) == (4, alert(1).created_at)
    assert fresh.attempts == 0
    assert fresh.since > datetime.now(UTC) - timedelta(minutes=5)


def test_send_again(outbox: Outbox, address: Path) -> None:
    outbox.add([alert(1), alert(2), alert(3)], RULE)
    failed = [Attempt(alert(n).alert_id, FAILED, 9, MOMENT, "answered 400") for n in (1, 2)]
    outbox.note([*failed, Attempt(alert(3).alert_id, SENT, 1, MOMENT)])
    assert not outbox.changed()
    with e2vdb.connect(address) as db:
        assert db.send_again([alert(2).alert_id, alert(3).alert_id]) == 1
        assert outbox.changed()
        assert [(one.alert, one.attempts) for one in outbox.pending()] == [(alert(2), 0)]
        assert not outbox.changed()
        assert db.send_again() == 1
        assert db.send_again() == 0
    assert len(outbox.pending()) == 2
    assert send_again(Store(resolve(address)), ["' OR true --"]) == 0


def test_one_commit_however_many(outbox: Outbox, address: Path) -> None:
    before = len(table(address, "alerts"))
    version = Store(resolve(address)).dataset(_alerts()).version
    outbox.add([alert(number) for number in range(500)], RULE)
    outbox.note([Attempt(alert(n).alert_id, SENT, 1, MOMENT) for n in range(500)])
    assert Store(resolve(address)).dataset(_alerts()).version == version + 2
    assert (before, len(table(address, "alerts"))) == (0, 500)


def _alerts():
    from e2vdb.store.tables import ALERTS_TABLE

    return ALERTS_TABLE


def test_a_database_from_before_there_were_alerts(address: Path) -> None:
    import shutil

    shutil.rmtree(address / "alerts.lance")
    shutil.rmtree(address / "watches.lance")
    with e2vdb.connect(address) as db:
        assert db.alerts().fetchall() == []
        assert db.send_again() == 0
        assert db.sql("SELECT count(*) FROM calls").fetchall() == [(2,)]
