"""One attempt to post, and what the answer means.

The standard library's client is enough: one address, no cookies, the system's proxies, and unlike
others it never logs the address.
"""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from e2vdb.watch.secrets import AlertUrl

TIMEOUT_S = 10.0
_ANSWER_BYTES = 1 << 16
_REFUSED = frozenset((400, 413, 415, 422))
"""Answers that say the message itself is wrong: sending it again would change nothing."""

_WECOM_BUSY, _WECOM_WAIT_S = 45009, 60.0
"""A WeCom robot takes 20 messages a minute and says so by this code."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt. `error` is a sentence without the address, None for success."""

    error: str | None = None
    final: bool = False
    retry_after_s: float | None = None


Post = Callable[[AlertUrl, bytes, str, str], Answer]


def post(
    url: AlertUrl, data: bytes, alert_id: str, kind: str, timeout_s: float = TIMEOUT_S
) -> Answer:
    """Post one message; success is a 2xx answer, and for `wecom` an errcode of 0 in it.

    Redirections are not followed: they would turn the message into a GET without it.
    """
    try:
        with _OPENER.open(_request(url, data, alert_id), timeout=timeout_s) as response:
            said = _read(response, time.monotonic() + timeout_s)
            return _wecom(said, url) if kind == "wecom" else Answer()
    except HTTPError as error:
        with error:
            return _refused(error)
    except URLError as error:
        return Answer(url.scrub(_why(error.reason)))
    except (OSError, HTTPException, ValueError) as error:
        return Answer(url.scrub(_why(error)))


def _request(url: AlertUrl, data: bytes, alert_id: str) -> Request:
    parts = urlsplit(url.secret)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "e2vdb-watch",
        "Idempotency-Key": alert_id,
    }
    login, at, host = parts.netloc.rpartition("@")
    if at:
        headers["Authorization"] = f"Basic {base64.b64encode(unquote(login).encode()).decode()}"
    address = urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
    return Request(address, data=data, headers=headers, method="POST")  # noqa: S310 - http or https


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_OPENER = build_opener(_NoRedirects)


def _read(response: HTTPResponse, deadline: float) -> bytes:
    """Read the answer, but not for ever from a receiver that sends it a byte at a time."""
    said = b""
    while len(said) < _ANSWER_BYTES:
        more = response.read1(4096)
        if not more:
            break
        said += more
        if time.monotonic() > deadline:
            raise TimeoutError
    return said


def _refused(error: HTTPError) -> Answer:
    said = f"answered {error.code} {str(error.reason)[:60]}".strip()
    if 300 <= error.code < 400:
        return Answer(f"{said}, a redirection, which is not followed")
    after = _retry_after_s(error.headers.get("Retry-After")) if error.headers else None
    return Answer(said, final=error.code in _REFUSED, retry_after_s=after)


def _retry_after_s(text: str | None) -> float | None:
    """Return the seconds that Retry-After asks for: a number, or a moment in the future."""
    if text is None:
        return None
    try:
        return max(0.0, float(text)) if text.strip().isdecimal() else _until(text)
    except (TypeError, ValueError, OverflowError):
        return None


def _until(text: str) -> float:
    return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())


def _wecom(said: bytes, url: AlertUrl) -> Answer:
    try:
        document = json.loads(said)
        code = int(document["errcode"])
    except (ValueError, KeyError, TypeError):
        return Answer("answered 200 without the errcode of a WeCom robot")
    if code == 0:
        return Answer()
    reason = url.scrub(str(document.get("errmsg", "")).split(",")[0][:120])
    wait_s = _WECOM_WAIT_S if code == _WECOM_BUSY else None
    return Answer(f"answered errcode {code}: {reason}", retry_after_s=wait_s)


def _why(error: object) -> str:
    if isinstance(error, TimeoutError):
        return "did not answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "refused the connection"
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return "broke off the connection"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"could not be reached: {text[:160]}"
