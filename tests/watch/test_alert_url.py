"""The address of alerts is never shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2vdb.errors import UsageError
from e2vdb.watch.options import WatchOptions
from e2vdb.watch.secrets import AlertUrl

WECOM = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7aaa-4bc4-97a0-0ec2"


def test_only_the_host_is_shown() -> None:
    url = AlertUrl(WECOM)
    assert str(url) == repr(url) == "https://qyapi.weixin.qq.com/…"
    assert url.secret == WECOM
    assert str(AlertUrl("http://user:pass1234@[::1]:8080/x")) == "http://[::1]:8080/…"
    assert "693a91f6" not in repr(WatchOptions(alert_url=WECOM))


@pytest.mark.parametrize(
    "text",
    [
        WECOM,
        "no such path /cgi-bin/webhook/send?key=693a91f6-7aaa-4bc4-97a0-0ec2 here",
        "key 693a91f6-7aaa-4bc4-97a0-0ec2 is wrong",
    ],
)
def test_scrubbed(text: str) -> None:
    assert "693a91f6" not in AlertUrl(WECOM).scrub(text)
    assert "…" in AlertUrl(WECOM).scrub(text)


def test_passwords_and_escapes_are_scrubbed() -> None:
    url = AlertUrl("http://me:pass%20word9@host/T000/B000XY/tok%2Fen-77")
    for part in ("pass%20word9", "pass word9", "tok%2Fen-77", "tok/en-77", "B000XY"):
        assert part not in url.scrub(f"a {part} b")
    assert url.scrub("host refused the connection") == "host refused the connection"


@given(st.from_regex(r"[A-Za-z0-9_-]{6,40}", fullmatch=True))
def test_any_key_is_scrubbed(key: str) -> None:
    for form in (f"https://h.example/{key}", f"https://h.example/?token={key}&x=1"):
        assert AlertUrl(form).scrub(f"error at {form} with <{key}>").count(key) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        "ftp://host/geheim",
        "geheim",
        "http://",
        "https:///geheim",
        "http://host:port/geheim",
        "http://host/ge heim",
        "http://host/geheim\n",
        "http://[::1/geheim",
        "http://主机/geheim",
        "file:///etc/geheim",
    ],
)
def test_a_wrong_address_is_refused_and_not_shown(wrong: str) -> None:
    with pytest.raises(UsageError) as raised:
        AlertUrl(wrong)
    assert "geheim" not in str(raised.value)
    assert "E2VDB_ALERT_URL" in str(raised.value)
    assert raised.value.__cause__ is None


def test_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("E2VDB_ALERT_URL", raising=False)
    assert WatchOptions().url() is None
    monkeypatch.setenv("E2VDB_ALERT_URL", WECOM)
    url = WatchOptions().url()
    assert url is not None
    assert url.secret == WECOM
    own = WatchOptions(alert_url="http://localhost:9/x").url()
    assert own is not None
    assert own.secret == "http://localhost:9/x"
