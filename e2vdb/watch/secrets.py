"""The address that alerts go to. It may hold a key, so nothing that is shown or kept shows it."""

import re
from urllib.parse import unquote, urlsplit

from e2vdb.errors import UsageError

VARIABLE = "E2VDB_ALERT_URL"
_SHORTEST = 6
"""Parts of an address that are shorter tell nothing, and would blot out ordinary words."""


class AlertUrl:
    """An http or https address whose text form shows the host and nothing else."""

    __slots__ = ("_parts", "_url", "shown")

    def __init__(self, url: str) -> None:
        host = _host(url)
        self._url = url
        parts = urlsplit(url)
        self.shown = f"{parts.scheme}://{host}/…"
        self._parts = sorted(_secrets(url), key=len, reverse=True)

    @property
    def secret(self) -> str:
        """The whole address, for the one call that posts to it."""
        return self._url

    @property
    def has_key(self) -> bool:
        """Whether the address holds more than a host, so that people should not read it."""
        return any(part != self._url for part in self._parts)

    def scrub(self, text: str) -> str:
        """Return a text without any part of the address that may be a key."""
        for part in self._parts:
            text = text.replace(part, "…")
        return text

    def __repr__(self) -> str:
        return self.shown


def _host(url: str) -> str:
    """Return host and port. Raises `UsageError`, which never shows the address."""
    wrong = UsageError(
        "The alert URL must be an http:// or https:// address in plain ASCII, "
        f"such as https://example.com/hook; look at --alert-url or {VARIABLE}."
    )
    if re.search(r"[\s\x00-\x1f\x7f]", url) or not url.isascii():
        raise wrong
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise wrong from None
    if parts.scheme not in ("http", "https") or not host:
        raise wrong
    host = f"[{host}]" if ":" in host else host
    return host if port is None else f"{host}:{port}"


def _secrets(url: str) -> set[str]:
    """Return every part past the host that could be a key, as written and decoded."""
    parts = urlsplit(url)
    found = {url, parts.netloc.rpartition("@")[0], parts.username, parts.password}
    found |= {parts.path, parts.query, parts.fragment, f"{parts.path}?{parts.query}"}
    found |= {*parts.path.split("/"), *re.split(r"[&;=]", parts.query)}
    texts = {one for one in found if one}
    texts |= {unquote(one) for one in texts}
    return {one for one in texts if len(one) >= _SHORTEST and one.strip("/?")}
