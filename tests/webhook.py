"""A receiver of alerts on 127.0.0.1 that answers as a test tells it to."""

import http.server
import json
import threading
from collections.abc import Callable
from typing import Any, Self

Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


def status(code: int, body: bytes = b"", **headers: str) -> Answer:
    """Answer with a code, a body and headers (`_` stands for `-`)."""

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def die(handler: http.server.BaseHTTPRequestHandler) -> None:
    """Break the connection off without an answer."""
    handler.connection.close()


class Hang:
    """Take the message and never answer, until the test is over."""

    def __init__(self) -> None:
        self.over = threading.Event()

    def __call__(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        self.over.wait(60)


class Webhook:
    """Notes every message; `answers` are given one after another, then 204 for ever."""

    def __init__(self, *answers: Answer) -> None:
        self.messages: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self._answers = list(answers)
        self._arrived = threading.Condition()
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with hook._arrived:
                    hook.messages.append(said)
                    hook.paths.append(self.path)
                    hook.headers.append(dict(self.headers.items()))
                    answer = hook._answers.pop(0) if hook._answers else status(204)
                    hook._arrived.notify_all()
                answer(self)

            def do_GET(self) -> None:
                raise AssertionError("a redirection was followed")

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.url = f"{self.address}/hook/geheim-4711?key=sEcReT-0815"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def ids(self) -> list[str]:
        return [one["alert_id"] for one in self.messages]

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        """Return the messages when so many have arrived."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.messages) >= count, 60), self.messages
            return list(self.messages)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
