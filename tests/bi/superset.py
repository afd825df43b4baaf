"""Apache Superset on this machine: set up, started and ended by the test, asked over REST."""

import json
import os
import secrets
import socket
import subprocess
import time
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPCookieProcessor, Request, build_opener

USER = "admin"

CONFIG = """
SECRET_KEY = {key!r}
SQLALCHEMY_DATABASE_URI = "sqlite:///{home}/superset.db"
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False
"""


class Superset:
    """A Superset of its own in a folder; listens at 127.0.0.1 until it is closed."""

    def __init__(self, environment: Path, home: Path) -> None:
        self.password = secrets.token_urlsafe(12)
        self._bin = environment / "bin"
        config = home / "superset_config.py"
        config.write_text(CONFIG.format(key=secrets.token_urlsafe(42), home=home), "utf-8")
        self._variables = os.environ | {
            "SUPERSET_CONFIG_PATH": str(config),
            "SUPERSET_HOME": str(home),
            "FLASK_APP": "superset",
        }
        self._log = (home / "superset.log").open("w")
        self._superset("db", "upgrade")
        self._superset(
            *("fab", "create-admin", "--username", USER, "--password", self.password),
            *("--firstname", "a", "--lastname", "b", "--email", "a@example.org"),
        )
        self._superset("init")
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()))
        self._token = ""
        self._process = self._start("run", "-h", "127.0.0.1", "-p", str(port), "--with-threads")
        self._wait()
        body = {"username": USER, "password": self.password, "provider": "db", "refresh": True}
        self._token = self.post("security/login", body)["access_token"]

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._ask("POST", path, body)

    def get(self, path: str) -> dict[str, Any]:
        return self._ask("GET", path)

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def add_database(self, name: str, file: Path) -> int:
        """Add the published file, opened read-only and anew for every query."""
        extra = {"engine_params": {"connect_args": {"read_only": True}}}
        uri = f"duckdb:///{file}"
        body = {"database_name": name, "sqlalchemy_uri": uri, "extra": json.dumps(extra)}
        return int(self.post("database/", body)["id"])

    def add_dataset(self, database: int, table: str) -> int:
        body = {"database": database, "schema": "main", "table_name": table}
        return int(self.post("dataset/", body)["id"])

    def add_chart(
        self, name: str, kind: str, dataset: int, form: dict[str, Any], query: dict[str, Any]
    ) -> int:
        """Save a chart: `form` is what its page shows, `query` is what it asks."""
        source = {"id": dataset, "type": "table"}
        context = {
            "datasource": source,
            "queries": [query],
            "form_data": form,
            "result_format": "json",
            "result_type": "full",
        }
        body = {
            "slice_name": name,
            "viz_type": kind,
            "datasource_id": dataset,
            "datasource_type": "table",
            "params": json.dumps({"viz_type": kind, **form}),
            "query_context": json.dumps(context),
        }
        return int(self.post("chart/", body)["id"])

    def chart_rows(self, chart: int) -> list[dict[str, Any]]:
        """Return the data that a saved chart shows now."""
        rows: list[dict[str, Any]] = self.get(f"chart/{chart}/data/?force=true")["result"][0][
            "data"
        ]
        return rows

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {} if body is None else {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}/api/v1/{path}", data, headers, method=method)
        try:
            with self._opener.open(request, timeout=120) as answer:
                return dict(json.load(answer))
        except HTTPError as error:
            said = error.read().decode()[:2000]
            raise AssertionError(f"{method} {path}: {error.code} {said}") from error

    def _superset(self, *arguments: str) -> None:
        process = self._start(*arguments)
        assert process.wait(timeout=300) == 0, Path(self._log.name).read_text()[-3000:]

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [str(self._bin / "superset"), *arguments],
            env=self._variables,
            stdout=self._log,
            stderr=self._log,
        )

    def _wait(self) -> None:
        for _ in range(240):
            assert self._process.poll() is None, Path(self._log.name).read_text()[-3000:]
            try:
                with self._opener.open(f"{self.url}/health", timeout=5):
                    return
            except (URLError, OSError):
                time.sleep(0.5)
        raise AssertionError("Superset does not answer")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
