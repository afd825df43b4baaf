"""`e2vdb watch`: does it keep up, and how long does a finished directory take to be posted?

Directories are written in place, file by file, as the WebUI does, at an even rate, into a folder
that the command watches in a process of its own. A receiver in this process takes the alerts.
"""

import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.memory import resident_bytes
from benchmarks.report import Row, say
from benchmarks.tree import paths, write_tree
from e2vdb.database import connect

RATE = 100
CONDITION = "angry > 0.3"
"""About one call in ten of the tree."""

LATEST_S = 3.0


class Posted(NamedTuple):
    """When each alert arrived, by utterance, and how many arrived more than once."""

    at: dict[str, float]
    repeated: list[str]


def run(folder: Path, seconds: int = 60) -> list[Row]:
    """Measure for so many seconds; `folder` holds the trees and the database meanwhile."""
    ready, watched = folder / "watch-ready", folder / "watch-outputs"
    directories = RATE * seconds
    say(f"watch: {directories:,} directories at {RATE} a second …")
    write_tree(ready, directories + 400, os.cpu_count() or 1)
    watched.mkdir()
    given = paths(ready)
    database = folder / "watch.lancedb"
    _first_rows(folder, given[directories:], database)
    with _Receiver() as receiver, _Watch(database, watched, receiver.url) as watch:
        written, memory = _write(given[:directories], watched, watch.process.pid)
        ended = time.time()
        _await_rows(database, directories)
        behind = time.time() - ended
        expected = _expected(database)
        _await_posts(receiver.posted, expected)
    waits = [at - written[one] for one, at in receiver.posted.at.items() if one in written]
    assert set(receiver.posted.at) == expected and not receiver.posted.repeated
    commits = _versions(database)
    shutil.rmtree(watched)
    return _rows(seconds, behind, waits, memory, commits)


def _rows(
    seconds: int, behind: float, waits: list[float], memory: list[int], commits: int
) -> list[Row]:
    middle, late, longest = np.quantile(waits, [0.5, 0.99, 1.0])
    what = f"watch: {RATE} directories a second for {seconds} s"
    growth = memory[-1] / memory[len(memory) // 3]
    return [
        Row(f"{what}: behind at the end", f"{behind:.2f} s", "not falling behind", behind <= 3),
        Row(
            f"{what}: finished to posted, {len(waits):,} alerts, median / 99 % / longest",
            f"{middle:.2f} / {late:.2f} / {longest:.2f} s",
            f"<= {LATEST_S:.0f} s",
            bool(longest <= LATEST_S),
        ),
        Row(f"{what}: commits of utterances", f"{commits:,}"),
        Row(f"{what}: memory at the end / after a third", f"{growth:.2f}"),
    ]


def _first_rows(folder: Path, given: list[str], database: Path) -> None:
    """Make a database with a distiller, as one that is watched for long has."""
    seed = folder / "watch-seed"
    seed.mkdir()
    for path in given:
        shutil.copytree(path, seed / Path(path).name)
    with connect(database) as db:
        db.ingest(seed, source="seed")


def _write(given: list[str], watched: Path, watcher: int) -> tuple[dict[str, float], list[int]]:
    """Write directories at an even rate; return when each was finished, and memory by second."""
    contents = [
        {name: (Path(path) / name).read_bytes() for name in ("embedding.npy", "result.json")}
        for path in given
    ]
    written: dict[str, float] = {}
    memory: list[int] = []
    started = time.time()
    for number, (path, files) in enumerate(zip(given, contents, strict=True)):
        time.sleep(max(0.0, started + number / RATE - time.time()))
        if number % RATE == 0:
            memory.append(resident_bytes(watcher) or 1)
        target = watched / Path(path).name
        target.mkdir()
        for name, content in files.items():
            (target / name).write_bytes(content)
        written[target.name] = time.time()
    return written, memory


def _await_rows(database: Path, directories: int) -> None:
    query = "SELECT count(*) FROM utterances WHERE utterance_id NOT LIKE 'seed/%'"
    with connect(database) as db:
        deadline = time.time() + 120
        while time.time() < deadline:
            relation = db.sql(query)
            assert relation is not None
            if relation.fetchall()[0][0] == directories:
                return
            time.sleep(0.02)
    raise RuntimeError("the watch did not take in every directory")


def _expected(database: Path) -> set[str]:
    query = f"SELECT utterance_id FROM calls WHERE {CONDITION} AND utterance_id NOT LIKE 'seed/%'"
    with connect(database) as db:
        relation = db.sql(query)
        assert relation is not None
        return {one for (one,) in relation.fetchall()}


def _await_posts(posted: Posted, expected: set[str]) -> None:
    deadline = time.time() + 60
    while len(posted.at) < len(expected) and time.time() < deadline:
        time.sleep(0.05)


def _versions(database: Path) -> int:
    with connect(database) as db:
        return db.versions()[-1].number


class _Watch:
    """The command in a process of its own, ready when entered, ended by SIGTERM."""

    def __init__(self, database: Path, watched: Path, url: str) -> None:
        command = [sys.executable, "-m", "e2vdb", "watch", str(watched), "--db", str(database)]
        command += ["--alert-when", CONDITION]
        environment = {**os.environ, "E2VDB_ALERT_URL": url}
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, env=environment, text=True, bufsize=1
        )
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if " Watching " in line:
                self._ready.set()

    def __enter__(self) -> "_Watch":
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0


class _Receiver:
    """A webhook on 127.0.0.1 that notes when what arrived."""

    def __init__(self) -> None:
        self.posted = posted = Posted({}, [])

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                moment = time.time()
                said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if said["utterance_id"] in posted.at:
                    posted.repeated.append(said["utterance_id"])
                posted.at.setdefault(said["utterance_id"], moment)
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> "_Receiver":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
