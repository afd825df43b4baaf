"""Clients of a published file, each in a process and an environment of its own."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ENVIRONMENTS = Path(os.environ.get("E2VDB_BI_ENVIRONMENTS", HERE.parent.parent / ".venv-bi"))


class LineClient:
    """A client that answers a line for a line."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )

    def rows(self, sql: str) -> list[list[Any]]:
        return self.send(sql=sql)["rows"]

    def columns(self) -> dict[str, list[list[str]]]:
        return self.send(reflect=True)["columns"]

    def reopen(self) -> None:
        self.send(reopen=True)

    def send(self, **asked: object) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the client ended"
        answer: dict[str, Any] = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer

    def close(self) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()


class ShellClient(LineClient):
    """DuckDB's own command line, at its prompt."""

    END = "that was all"

    def __init__(self, program: Path, file: Path) -> None:
        self.file = file
        super().__init__([str(program), "-readonly", "-json", str(file)])

    def send(self, **asked: object) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        line = f".open --readonly {self.file}" if "reopen" in asked else f"{asked['sql']};"
        self.process.stdin.write(f"{line}\n.print {self.END}\n")
        self.process.stdin.flush()
        text = ""
        while (read := self.process.stdout.readline()).strip() != self.END:
            assert read, "the client ended"
            text += read
        return {"rows": [list(row.values()) for row in json.loads(text or "[]")]}


PYTHONS = {
    "duckdb-1.1.3": "duckdb",
    "duckdb-1.5.5": "duckdb",
    "duckdb-2.0.0": "duckdb",
    "sqlalchemy": "sqlalchemy",
    "ibis": "ibis",
}
NAMES = (*PYTHONS, "duckdb-cli", "node")


def installed(name: str) -> bool:
    return (ENVIRONMENTS / name / "installed").is_file()


def start(name: str, file: Path) -> LineClient:
    """Start the client of this name on a published file."""
    folder = ENVIRONMENTS / name
    if name == "duckdb-cli":
        return ShellClient(folder / "bin" / "duckdb", file)
    if name == "node":
        program = str(HERE / "clients" / "line_client.mjs")
        return LineClient(["node", program, str(folder / "node_modules"), str(file)])
    program = str(HERE / "clients" / "line_client.py")
    return LineClient([str(folder / "bin" / "python"), program, PYTHONS[name], str(file)])
