"""What is posted: plain JSON, WeCom's markdown, Slack's text."""

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from e2vdb.ingest.labels import EMOTIONS
from e2vdb.watch.alerts import Alert, Rule, make_alert
from e2vdb.watch.messages import WECOM_BYTES, body

RULE = Rule("verdict = 'risk' OR angry > 0.8", "excellent")
ROW = {
    "utterance_id": "north/outputs_20240104_223000",
    "source_dir": "/x",
    "at": datetime(2024, 1, 4, 22, 30),
    "agent": "王芳",
    "emotion": "angry",
    "confidence": 0.91,
    "verdict": "risk",
    "similarity": 0.54321,
    **{one: 0.91 if one == "angry" else 0.01125 for one in EMOTIONS},
}


def alert(**changes: object) -> Alert:
    return make_alert(RULE, {**ROW, **changes}, datetime(2026, 1, 2, tzinfo=UTC))


def test_json() -> None:
    said = json.loads(body(alert(), "json"))
    assert said["alert_id"] == RULE.alert_id(ROW["utterance_id"])
    assert said["utterance_id"] == ROW["utterance_id"]
    assert (said["at"], said["raised_at"]) == ("2024-01-04T22:30:00", "2026-01-02T00:00:00+00:00")
    assert (said["verdict"], said["similarity"], said["emotion_zh"]) == ("risk", 0.54321, "生气")
    assert set(said["scores"]) == set(EMOTIONS)
    assert said["team"] is None
    assert said["condition"] == RULE.condition


def test_wecom() -> None:
    said = json.loads(body(alert(), "wecom"))
    assert said["msgtype"] == "markdown"
    content = said["markdown"]["content"]
    for part in ("生气 angry 91%", "王芳", "0.54", "outputs_20240104_223000", "excellent"):
        assert part in content
    assert "班组" not in content


def test_slack() -> None:
    text = json.loads(body(alert(), "slack"))["text"]
    for part in ("angry 91%", "王芳", "risk", "0.54", "angry &gt; 0.8"):
        assert part in text


def test_a_call_of_which_little_is_known() -> None:
    bare = alert(emotion=None, confidence=None, verdict=None, similarity=None, agent=None)
    for kind in ("json", "wecom", "slack"):
        assert json.loads(body(bare, kind))


@given(st.text(max_size=3000))
def test_names_mention_nobody_and_link_nowhere(name: str) -> None:
    hostile = f"<@all> <!channel> [x](http://y) {name}"
    content = json.loads(body(alert(agent=hostile), "wecom"))["markdown"]["content"]
    assert len(content.encode()) <= WECOM_BYTES
    assert content.replace('<font color="warning">', "").replace("</font>", "").count("<") == 0
    assert "](" not in content
    text = json.loads(body(alert(agent=hostile), "slack"))["text"]
    assert "<" not in text


def test_the_id_depends_on_call_and_rule_alone() -> None:
    one = RULE.alert_id("a")
    assert one == Rule(RULE.condition, "excellent").alert_id("a")
    others = [
        RULE.alert_id("b"),
        Rule(RULE.condition).alert_id("a"),
        Rule("angry > 0.8", "excellent").alert_id("a"),
        Rule(RULE.condition, "excellent", (0.8, 0.6)).alert_id("a"),
    ]
    assert len({one, *others}) == 5
