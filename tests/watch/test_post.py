"""One attempt against a receiver that refuses, hangs, dies or redirects."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from webhook import Answer as Given
from webhook import Hang, Webhook, die, status

from e2vdb.watch.post import Answer, post
from e2vdb.watch.secrets import AlertUrl

SECRETS = ("geheim-4711", "sEcReT-0815", "/hook")


def attempt(answer: Given, kind: str = "json", timeout_s: float = 10.0) -> Answer:
    with Webhook(answer) as hook:
        found = post(AlertUrl(hook.url), b'{"a": 1}', "id-1", kind, timeout_s)
        assert hook.messages == [{"a": 1}]
        assert hook.paths == ["/hook/geheim-4711?key=sEcReT-0815"]
        assert hook.headers[0]["Idempotency-Key"] == "id-1"
        assert hook.headers[0]["Content-Type"].startswith("application/json")
    assert not any(secret in str(found) for secret in SECRETS)
    return found


@pytest.mark.parametrize("code", [200, 201, 202, 204])
def test_taken(code: int) -> None:
    assert attempt(status(code)) == Answer()


@pytest.mark.parametrize(
    ("code", "final"), [(400, True), (413, True), (422, True), (401, False), (404, False)]
)
def test_refused(code: int, final: bool) -> None:
    found = attempt(status(code, b"key sEcReT-0815 unknown"))
    assert found.final is final
    assert found.error is not None
    assert found.error.startswith(f"answered {code}")


@pytest.mark.parametrize("code", [500, 502, 503, 429])
def test_for_the_time_being(code: int) -> None:
    found = attempt(status(code))
    assert (found.final, found.retry_after_s) == (False, None)


def test_retry_after() -> None:
    assert attempt(status(429, Retry_After="17")).retry_after_s == 17.0
    moment = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    found = attempt(status(503, Retry_After=moment)).retry_after_s
    assert found is not None
    assert 3000 < found <= 3600
    for odd in ("soon", "-5", "1e999", "Wed, 99 Foo 2026"):
        assert attempt(status(429, Retry_After=odd)).retry_after_s is None


def test_redirections_are_not_followed() -> None:
    for code in (301, 302, 303, 307, 308):
        found = attempt(status(code, Location="http://127.0.0.1:1/sEcReT-0815"))
        assert found.error is not None
        assert "not followed" in found.error


def test_it_hangs() -> None:
    hang = Hang()
    try:
        assert attempt(hang, timeout_s=0.2).error == "did not answer in time"
    finally:
        hang.over.set()


def test_it_dies() -> None:
    found = attempt(die)
    assert found.error is not None
    assert not found.final


def test_it_dies_in_the_middle_of_its_answer() -> None:
    def half(handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"{")
        handler.wfile.flush()
        handler.connection.close()

    assert attempt(half, "wecom").error is not None


def test_it_answers_a_byte_at_a_time_for_ever() -> None:
    def dribble(handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(200):
                handler.wfile.write(b"x")
                handler.wfile.flush()
                time.sleep(0.02)
        except OSError:
            return

    assert attempt(dribble, timeout_s=0.2).error == "did not answer in time"


def test_nobody_is_there() -> None:
    with Webhook() as hook:
        url = AlertUrl(hook.url)
    assert post(url, b"{}", "id", "json").error == "refused the connection"
    found = post(AlertUrl("http://no-such-host.invalid/geheim-4711"), b"{}", "id", "json").error
    assert found is not None
    assert found.startswith("could not be reached")
    assert "geheim" not in found


@pytest.mark.parametrize(
    ("said", "error", "wait_s"),
    [
        (b'{"errcode": 0, "errmsg": "ok"}', None, None),
        (
            b'{"errcode": 93000, "errmsg": "invalid webhook url sEcReT-0815, hint: [1]"}',
            "answered errcode 93000: invalid webhook url …",
            None,
        ),
        (
            b'{"errcode": 45009, "errmsg": "api freq out of limit"}',
            "answered errcode 45009: api freq out of limit",
            60.0,
        ),
        (b"<html>", "answered 200 without the errcode of a WeCom robot", None),
        (b"[1]", "answered 200 without the errcode of a WeCom robot", None),
        (b'{"errcode": "x"}', "answered 200 without the errcode of a WeCom robot", None),
    ],
)
def test_wecom_says_it_in_the_body(said: bytes, error: str | None, wait_s: float | None) -> None:
    found = attempt(status(200, said), "wecom")
    assert (found.error, found.retry_after_s) == (error, wait_s)


def test_a_login_in_the_address() -> None:
    with Webhook() as hook:
        url = hook.address.replace("http://", "http://me:pass%20word@")
        assert post(AlertUrl(url), b"{}", "id", "json") == Answer()
        assert hook.headers[0]["Authorization"] == "Basic bWU6cGFzcyB3b3Jk"
