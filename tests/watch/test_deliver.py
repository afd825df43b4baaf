"""Posting in the background: order, back-off, giving up; with a clock and a receiver of ours."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2vdb.watch import deliver
from e2vdb.watch.alerts import FAILED, PENDING, SENT, Alert
from e2vdb.watch.deliver import LONGEST_ASKED_S, LONGEST_S, Deliverer, Patience, wait_s
from e2vdb.watch.outbox import Waiting
from e2vdb.watch.post import Answer
from e2vdb.watch.secrets import AlertUrl

URL = AlertUrl("http://127.0.0.1:1/hook/geheim-4711")
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def waiting(name: str, attempts: int = 0, since: datetime = MOMENT) -> Waiting:
    return Waiting(Alert(name, name, MOMENT, {"alert_id": name}), attempts, since)


class Receiver:
    """Answers as told, one answer after another, then takes everything."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.got: list[str] = []
        self._news = threading.Condition()

    def __call__(self, url: AlertUrl, data: bytes, alert_id: str, kind: str) -> Answer:
        with self._news:
            self.got.append(alert_id)
            self._news.notify_all()
            return self.answers.pop(0) if self.answers else Answer()

    def wait_for(self, count: int) -> None:
        with self._news:
            assert self._news.wait_for(lambda: len(self.got) >= count, 60)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-off is measured by its formula, not by a clock."""
    monkeypatch.setattr(deliver, "FIRST_S", 0.001)
    monkeypatch.setattr(deliver, "LONGEST_S", 0.002)


def run(receiver: Receiver, alerts: list[Waiting], posts: int, **more: object):
    said: list[str] = []
    choices = {"patience": Patience(), "clock": lambda: MOMENT, **more}
    patience = choices.pop("patience")
    made = Deliverer(URL, "json", patience, say=said.append, send=receiver, **choices)
    made.submit(alerts)
    receiver.wait_for(posts)
    made.close(60)
    return made.results(), said, made


def test_in_the_order_they_were_raised() -> None:
    receiver = Receiver(Answer("answered 500"), Answer(), Answer("answered 503"))
    alerts = [waiting(name) for name in "abc"]
    results, said, _ = run(receiver, alerts, 5)
    assert receiver.got == ["a", "a", "b", "b", "c"]
    assert [(one.alert_id, one.status, one.attempts) for one in results] == [
        ("a", PENDING, 1),
        ("a", SENT, 2),
        ("b", PENDING, 1),
        ("b", SENT, 2),
        ("c", SENT, 1),
    ]
    assert said[0].startswith("http://127.0.0.1:1/… answered 500; trying again in")
    assert "3 alerts wait" in said[0]
    assert said[1] == "http://127.0.0.1:1/… takes alerts again"


def test_one_that_waits_is_not_doubled() -> None:
    receiver = Receiver()
    results, _, _ = run(receiver, [waiting("a"), waiting("a"), waiting("b")], 2)
    assert receiver.got == ["a", "b"]
    assert len(results) == 2


def test_a_message_that_is_wrong_holds_up_no_other() -> None:
    receiver = Receiver(Answer("answered 400", final=True))
    results, said, _ = run(receiver, [waiting("a"), waiting("b")], 2)
    assert [(one.alert_id, one.status, one.error) for one in results] == [
        ("a", FAILED, "answered 400"),
        ("b", SENT, None),
    ]
    assert "given up" in said[0]


def test_given_up_after_so_many_attempts() -> None:
    receiver = Receiver(*[Answer("answered 500")] * 3)
    results, _, _ = run(receiver, [waiting("a"), waiting("b")], 4, patience=Patience(attempts=3))
    assert [(one.alert_id, one.status) for one in results] == [
        ("a", PENDING),
        ("a", PENDING),
        ("a", FAILED),
        ("b", SENT),
    ]


def test_given_up_after_so_many_days() -> None:
    old = MOMENT - timedelta(days=3, seconds=1)
    receiver = Receiver(*[Answer("answered 500")] * 2)
    alerts = [waiting("old", 7, old), waiting("new")]
    results, _, _ = run(receiver, alerts, 3)
    assert [(one.alert_id, one.status, one.attempts) for one in results] == [
        ("old", FAILED, 8),
        ("new", PENDING, 1),
        ("new", SENT, 2),
    ]


def test_an_old_one_is_tried_at_least_once() -> None:
    old = MOMENT - timedelta(days=30)
    results, _, _ = run(Receiver(), [waiting("old", 0, old)], 1)
    assert [one.status for one in results] == [SENT]


def test_a_message_that_cannot_be_made_is_said_and_tried_again() -> None:
    def broken(*_: object) -> Answer:
        if not failed:
            failed.append(1)
            raise RuntimeError("geheim-4711")
        return Answer()

    failed: list[int] = []
    receiver = Receiver()

    def send(url: AlertUrl, data: bytes, alert_id: str, kind: str) -> Answer:
        receiver(url, data, alert_id, kind)
        return broken()

    said: list[str] = []
    made = Deliverer(URL, "json", Patience(), say=said.append, send=send, clock=lambda: MOMENT)
    made.submit([waiting("a")])
    receiver.wait_for(2)
    made.close(60)
    assert [one.status for one in made.results()] == [PENDING, SENT]
    assert "geheim" not in str(said)


def test_it_ends_while_it_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "FIRST_S", 3600.0)
    monkeypatch.setattr(deliver, "LONGEST_S", 3600.0)
    receiver = Receiver(Answer("answered 500"))
    results, _, made = run(receiver, [waiting("a"), waiting("b")], 1)
    assert [one.status for one in results] == [PENDING]
    assert len(made) == 2
    assert receiver.got == ["a"]


def test_results_are_given_once_and_taken_back() -> None:
    results, _, made = run(Receiver(), [waiting("a")], 1)
    assert made.results() == []
    made.give_back(results)
    assert made.has_results
    assert made.results() == results


@given(st.integers(1, 10_000), st.floats(0, 1e12) | st.none(), st.floats(0, 1))
def test_how_long_to_wait(failures: int, asked: float | None, chance: float) -> None:
    deliver.FIRST_S, deliver.LONGEST_S = 1.0, LONGEST_S
    waited = wait_s(failures, asked, chance)
    full = min(2.0 ** min(failures - 1, 30), LONGEST_S)
    least = min(asked or 0.0, LONGEST_ASKED_S)
    assert max(full / 2, least) <= waited <= max(full, least)


def test_what_was_posted_but_not_written_down_is_not_posted_again() -> None:
    receiver = Receiver()
    made = Deliverer(URL, "json", Patience(), say=lambda _: None, send=receiver)
    made.submit([waiting("a")])
    receiver.wait_for(1)
    made.close(60)
    assert made.has_results
    made.submit([waiting("a")])
    assert len(made) == 0
