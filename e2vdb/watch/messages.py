"""An alert as the body of a request: plain JSON, a WeCom robot's markdown, or Slack's."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from e2vdb.watch.alerts import Alert

WECOM_BYTES = 4096
"""What a WeCom robot takes as the content of one markdown message."""

Facts = Mapping[str, Any]
_VERDICTS = {"pass": "合格 pass", "review": "待复核 review", "risk": "风险 risk"}


def _json(facts: Facts) -> Any:
    return dict(facts)


def _wecom(facts: Facts) -> Any:
    """Return markdown in Chinese, for those who read it in WeCom."""
    heading = f"## 通话情绪告警：{_feeling(facts, _wide)}"
    about = [("通话", "utterance_id"), ("坐席", "agent"), ("班组", "team"), ("客户", "customer")]
    about += [("产品", "product"), ("时间", "at")]
    lines = [f"> {name}：{_wide(_said(facts, key))}" for name, key in about if facts[key]]
    if facts["verdict"] is not None:
        verdict = f'<font color="warning">{_VERDICTS[facts["verdict"]]}</font>'
        set_name = _wide(facts["reference"])
        lines.append(f"> 质检：{verdict}，与 {set_name} 的相似度 {facts['similarity']:.2f}")
    lines += [f"> 条件：{_wide(facts['condition'])}", f"> 编号：{facts['alert_id']}"]
    content = "\n".join([heading, *lines]).encode()[:WECOM_BYTES].decode(errors="ignore")
    return {"msgtype": "markdown", "markdown": {"content": content}}


def _slack(facts: Facts) -> Any:
    about = ("utterance_id", "agent", "team", "customer", "product", "at")
    lines = [f"*Call of concern: {_feeling(facts, _escaped)}*"]
    lines += [f"{key}: {_escaped(_said(facts, key))}" for key in about if facts[key]]
    if facts["verdict"] is not None:
        set_name = _escaped(facts["reference"])
        lines.append(f"{facts['verdict']}: similarity to {set_name} {facts['similarity']:.2f}")
    lines += [f"condition: {_escaped(facts['condition'])}", f"alert: {facts['alert_id']}"]
    return {"text": "\n".join(lines)}


def _said(facts: Facts, key: str) -> str:
    """Return a fact as people read it, moments without the T of ISO 8601."""
    return str(facts[key]).replace("T", " ") if key == "at" else str(facts[key])


def _feeling(facts: Facts, escape: Callable[[object], str]) -> str:
    name = facts["emotion"]
    if name is None:
        return "-"
    shown = f"{facts['emotion_zh']} {name}" if escape is _wide else name
    confidence = facts["confidence"]
    return shown if confidence is None else f"{shown} {confidence:.0%}"


_NARROW = "<>[]()*`#_~\\"
_WIDE = str.maketrans(_NARROW + "\r\n", "＜＞［］（）＊｀＃＿～＼  ")


def _wide(value: object) -> str:
    """Return a text without markdown, so that a name can mention nobody and link nowhere.

    Names of directories and rules stay readable: `_` inside a word means nothing in markdown.
    """
    text = str(value)
    return "".join(
        one if one == "_" and 0 < at < len(text) - 1 else one.translate(_WIDE)
        for at, one in enumerate(text)
    )


def _escaped(value: object) -> str:
    """Return a text in which Slack sees no mention and no link."""
    text = str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return " ".join(text.split())


FORMATS: dict[str, Callable[[Facts], Any]] = {"json": _json, "wecom": _wecom, "slack": _slack}


def body(alert: Alert, kind: str) -> bytes:
    """Return the bytes to post for an alert."""
    return orjson.dumps(FORMATS[kind](alert.payload))
