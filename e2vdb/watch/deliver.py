"""Posting in the background, in the order in which alerts were raised.

A failed attempt is made again after a growing, random while, and blocks nothing but the alerts
behind it. What came of attempts is handed to the watcher, which alone writes to the database.
"""

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from e2vdb.watch.alerts import FAILED, PENDING, SENT, now
from e2vdb.watch.messages import body
from e2vdb.watch.outbox import Attempt, Waiting
from e2vdb.watch.post import Answer, Post, post
from e2vdb.watch.secrets import AlertUrl

FIRST_S, LONGEST_S = 1.0, 300.0
LONGEST_ASKED_S = 3600.0
"""Retry-After is honoured up to an hour; a receiver that asks for more is asked once an hour."""

SAY_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Patience:
    """When an alert is given up: after so many attempts, or so many days since it was raised."""

    attempts: int = 1000
    days: float = 3.0

    def is_over(self, attempts: int, age: timedelta) -> bool:
        """Whether an alert that failed so often, and is so old, is given up."""
        return attempts >= self.attempts or age > timedelta(days=self.days)


def wait_s(failures: int, asked_s: float | None, chance: float) -> float:
    """Return how long to wait after so many failures in a row: 1, 2, 4 … 300 s, half by chance.

    What the receiver asks for by Retry-After is the least.
    """
    longest = min(FIRST_S * 2.0 ** min(failures - 1, 20), LONGEST_S)
    own = longest * (0.5 + 0.5 * chance)
    return max(own, min(asked_s or 0.0, LONGEST_ASKED_S))


class Deliverer:
    """A thread that posts to one address. `submit`, `results` and `close` are for its owner."""

    def __init__(
        self,
        url: AlertUrl,
        kind: str,
        patience: Patience,
        *,
        say: Callable[[str], None],
        send: Post = post,
        clock: Callable[[], datetime] = now,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._url, self._kind, self._patience = url, kind, patience
        self._say, self._send, self._clock, self._chance = say, send, clock, chance
        self._queue: deque[Waiting] = deque()
        self._known: set[str] = set()
        self._results: list[Attempt] = []
        self._failures, self._said_at = 0, 0.0
        self._resting = False
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="e2vdb-alerts", daemon=True)
        self._thread.start()

    def submit(self, alerts: Iterable[Waiting]) -> None:
        """Post these too, after those that wait already; one that waits is not doubled."""
        with self._changed:
            # Posted, though its row still says pending: nobody has written that down yet.
            settled = {one.alert_id for one in self._results if one.status != PENDING}
            for one in alerts:
                if one.alert.alert_id not in self._known | settled:
                    self._known.add(one.alert.alert_id)
                    self._queue.append(one)
            self._changed.notify_all()

    def results(self) -> list[Attempt]:
        """Return, once, what came of the attempts since the last call."""
        with self._changed:
            found, self._results = self._results, []
            return found

    @property
    def has_results(self) -> bool:
        """Whether `results` would return any."""
        return bool(self._results)

    def give_back(self, results: list[Attempt]) -> None:
        """Take results back that could not be written down, for the next time."""
        with self._changed:
            self._results = results + self._results

    def __len__(self) -> int:
        return len(self._queue)

    def close(self, grace_s: float) -> None:
        """End: what can be posted at once still is, for `grace_s` seconds at most."""
        deadline = time.monotonic() + grace_s
        with self._changed:
            self._changed.wait_for(lambda: not self._queue or self._resting, timeout=grace_s)
            self._closing = True
            self._changed.notify_all()
        self._thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._queue) or self._closing)
                if self._closing:
                    return
                first = self._queue[0]
            answer = self._post(first)
            pause_s = self._take(first, answer)
            if pause_s:
                self._rest(pause_s)

    def _post(self, one: Waiting) -> Answer:
        try:
            data = body(one.alert, self._kind)
            return self._send(self._url, data, one.alert.alert_id, self._kind)
        except Exception as error:  # a thread that dies would lose every later alert
            return Answer(self._url.scrub(f"could not be posted to: {type(error).__name__}"))

    def _take(self, one: Waiting, answer: Answer) -> float:
        """Note what an attempt gave; return how long to wait before the next one."""
        moment, attempts = self._clock(), one.attempts + 1
        status, pause_s = SENT, 0.0
        if answer.error is not None:
            over = self._patience.is_over(attempts, moment - one.since)
            status = FAILED if answer.final or over else PENDING
        with self._changed:
            self._results.append(
                Attempt(one.alert.alert_id, status, attempts, moment, answer.error)
            )
            if status == PENDING:
                self._queue[0] = replace(one, attempts=attempts)
            else:
                self._queue.popleft()
                self._known.discard(one.alert.alert_id)
            self._changed.notify_all()
        if answer.error is None:
            self._succeeded()
        elif not answer.final:
            self._failures += 1
            pause_s = wait_s(self._failures, answer.retry_after_s, self._chance())
        if answer.error is not None:
            self._tell(answer.error, status, pause_s)
        return pause_s

    def _succeeded(self) -> None:
        if self._failures and self._said_at:
            self._say(f"{self._url} takes alerts again")
        self._failures, self._said_at = 0, 0.0

    def _tell(self, error: str, status: str, pause_s: float) -> None:
        """Say what went wrong, but not at every attempt of a long night."""
        if status == FAILED:
            self._say(f"{self._url} {error}: an alert is given up; `e2vdb alerts --status failed`")
        elif not self._said_at or time.monotonic() - self._said_at > SAY_EVERY_S:
            self._said_at = time.monotonic()
            waiting = f"{len(self._queue):,} alerts wait"
            self._say(f"{self._url} {error}; trying again in {pause_s:.0f} s, {waiting}")

    def _rest(self, pause_s: float) -> None:
        with self._changed:
            self._resting = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._closing, timeout=pause_s)
            self._resting = False
