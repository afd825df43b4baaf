"""`e2vdb shell`, from a pipe and on a terminal."""

import os
import re
import select
import subprocess
import sys
from pathlib import Path

import pytest
from running import e2vdb_process

LINES = """.tables
.schema rejects
.help
.functions
.nonsense
SELECT count(*) AS number_of_calls
FROM calls;
SELECT nope;
SELECT at FROM calls ORDER BY at LIMIT 1;
.quit
SELECT 'never';
"""


def test_from_a_pipe(demo) -> None:
    done = e2vdb_process("shell", "--db", demo.address, stdin=LINES)
    assert done.code == 0
    for part in ("calls ", "rejects(", "code VARCHAR", ".tables", "emotion_zh", "e2v_load"):
        assert part in done.out
    for part in ("number_of_calls", "320", "2024-01-01 10:07:33"):
        assert part in done.out
    assert "never" not in done.out
    assert "_call_rows" not in done.out
    assert ".nonsense" in done.err
    assert "nope" in done.err
    assert "Traceback" not in done.err


def test_the_last_statement_needs_no_semicolon(demo) -> None:
    done = e2vdb_process("shell", "--db", demo.address, stdin="SELECT 6 * 7 AS x")
    assert (done.code, "42" in done.out, done.err) == (0, True, "")


def test_no_database(tmp_path: Path) -> None:
    done = e2vdb_process("shell", "--db", tmp_path / "none", stdin="SELECT 1;")
    assert (done.code, done.raw) == (1, b"")
    assert "no e2vdb database" in done.err


pty = pytest.importorskip("pty", reason="there are no terminals of this kind here")


ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A shell on a terminal: what is typed, and all that was shown."""

    def __init__(self, *words: object, home: Path) -> None:
        self._fd, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "e2vdb", *map(str, words)],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "HOME": str(home), "TERM": "xterm", "COLUMNS": "120"},
            start_new_session=True,
        )
        os.close(theirs)
        self._raw, self._seen = "", 0

    @property
    def shown(self) -> str:
        return ESCAPES.sub("", self._raw)

    def wait_for(self, *texts: str) -> None:
        """Wait until these are shown, one after the other, after what was waited for before."""
        for text in texts:
            while text not in self.shown[self._seen :]:
                assert self._read(), f"{text!r} was not shown: {self.shown}"
            self._seen = self.shown.index(text, self._seen) + len(text)

    def _read(self, patience_s: float = 20) -> bool:
        """Take in what is shown next; False when nothing comes any more."""
        if not select.select([self._fd], [], [], patience_s)[0]:
            return False
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # the other side has closed
            return False
        self._raw += data.decode(errors="replace")
        if b"\x1b[6n" in data:  # prompt_toolkit asks where the cursor is
            self.type("\x1b[1;1R")
        return bool(data)

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def end(self) -> int:
        while self._read():
            pass
        return self._process.wait(60)

    def close(self) -> None:
        os.close(self._fd)
        self._process.kill()
        self._process.wait()


def test_on_a_terminal(demo, tmp_path: Path) -> None:
    terminal = Terminal("shell", "--db", demo.address, home=tmp_path)
    try:
        terminal.wait_for("e2vdb>")
        terminal.type("SELECT 6 * 7 AS answer;\r")
        terminal.wait_for("│     42 │", "e2vdb>")
        terminal.type("SELECT count(*) FROM reje\t")
        terminal.wait_for("cts")  # only what the completion adds may be drawn
        terminal.type(";\r")
        terminal.wait_for("│           17 │", "e2vdb>")
        terminal.type("\x04")
        assert terminal.end() == 0
    finally:
        terminal.close()
    assert "Traceback" not in terminal.shown
    history = (tmp_path / ".e2vdb_history").read_text("utf-8")
    assert "SELECT 6 * 7" in history
    assert "FROM rejects" in history
