"""Runs a watch in a thread of the test, or in a process that a test may kill."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import e2vdb
from e2vdb.watch.options import WatchSummary


class Heard:
    """What a watch says, and waiting for it."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self._news = threading.Condition()

    def say(self, sentence: str) -> None:
        with self._news:
            self.said.append(sentence)
            self._news.notify_all()

    def wait_for(self, part: str, times: int = 1) -> None:
        """Return when so many sentences have had this part."""
        with self._news:
            enough = self._news.wait_for(lambda: sum(part in one for one in self.said) >= times, 60)
        assert enough, (part, self.said)


class Watching(Heard):
    """`db.watch` in a thread; entered when it watches, ended by its stop event."""

    def __init__(self, database: Path, folder: Path, **choices: Any) -> None:
        super().__init__()
        self._database, self._folder = database, folder
        self._choices = {"settle_s": 0.1, **choices}
        self.stop = threading.Event()
        self.summary = WatchSummary()
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            with e2vdb.connect(self._database) as db:
                self.summary = db.watch(self._folder, stop=self.stop, say=self.say, **self._choices)
        except BaseException as error:
            self.error = error
            self.say("Watching ended")

    def __enter__(self) -> Self:
        self._thread.start()
        self.wait_for("Watching ")
        if self.error is not None:
            raise self.error
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()
        if self.error is not None:
            raise self.error


class WatchProcess(Heard):
    """`e2vdb watch` in a process of its own; `code` runs before it, to hurt it."""

    def __init__(
        self, database: Path, folder: Path, *words: object, code: str = "", url: str = ""
    ) -> None:
        super().__init__()
        run = "from e2vdb.cli.app import main\nmain(sys.argv[1:])"
        command = [sys.executable, "-c", f"import os, signal, sys\n{code}\n{run}", "watch"]
        command += [str(folder), "--db", str(database), "--settle", "0.1", *map(str, words)]
        env = {**os.environ, **({"E2VDB_ALERT_URL": url} if url else {})}
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, text=True
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.say(line.rstrip("\n"))

    def end(self) -> int:
        """Return the exit code when the process has ended; nothing went to stdout."""
        code = self.process.wait(60)
        self._reader.join(60)
        assert self.process.stdout is not None and self.process.stderr is not None
        assert self.process.stdout.read() == ""
        self.process.stdout.close()
        self.process.stderr.close()
        return code


def eventually(true: Callable[[], bool]) -> None:
    """Return when something has become true."""
    for _ in range(3000):
        if true():
            return
        time.sleep(0.02)
    raise AssertionError("it did not become true")
