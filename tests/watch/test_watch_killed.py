"""kill -9 at nasty moments: no row and no alert is lost, and a repeated one keeps its id."""

import signal
from pathlib import Path

import pytest
from build import write_output
from trees import ids, name_of
from watching import Watching, WatchProcess
from webhook import Webhook

import e2vdb
from e2vdb.watch.alerts import Rule

CONDITION = "angry > 0.8"
ANGRY = {"emotion": "angry", "confidence": 0.9, "scores": {"angry": 0.9, "sad": 0.1}}
DIE = "os.kill(os.getpid(), signal.SIGKILL)"

MOMENTS = {
    "before the rows": f"""
from e2vdb.loading import intake
intake.run_job = lambda *_: {DIE}
""",
    "between rows and file times": f"""
from e2vdb.loading.chunk import Chunk
Chunk._commit_stamps = lambda *_: {DIE}
""",
    "after the rows, before the outbox": f"""
from e2vdb.watch.outbox import Outbox
Outbox.add = lambda *_: {DIE}
""",
    "after the outbox, before the post": f"""
from e2vdb.watch.deliver import Deliverer
Deliverer.submit = lambda _self, alerts: list(alerts) and {DIE}
""",
    "after the post, before anybody knows": f"""
from e2vdb.watch import deliver
from e2vdb.watch.post import post
def post_and_die(*words):
    post(*words)
    {DIE}
deliver.Deliverer.__init__.__kwdefaults__["send"] = post_and_die
""",
    "after the post, before it is written down": f"""
from e2vdb.watch.outbox import Outbox
Outbox.note = lambda *_: {DIE}
""",
}
SENT_TWICE = {"after the post, before anybody knows", "after the post, before it is written down"}


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed(moment: str, tmp_path: Path) -> None:
    root, db = tmp_path / "outputs", tmp_path / "db"
    root.mkdir()
    names = [name_of(number) for number in range(3)]
    with Webhook() as hook:
        killed = WatchProcess(
            db, root, "--alert-when", CONDITION, code=MOMENTS[moment], url=hook.url
        )
        killed.wait_for("Watching ")
        for number, name in enumerate(names):
            write_output(root / ".part", name, seed=number, result=ANGRY, dimension=16)
        (root / ".part" / names[0]).rename(root / names[0])
        assert killed.end() == -signal.SIGKILL
        for name in names[1:]:
            (root / ".part" / name).rename(root / name)
        with Watching(db, root, alert_when=CONDITION, alert_url=hook.url) as watch:
            hook.wait_for(3 + (moment in SENT_TWICE))
        rule = Rule(CONDITION)
        assert set(hook.ids()) == {rule.alert_id(name) for name in names}
        first = [one["alert_id"] for one in hook.messages if one["utterance_id"] == names[0]]
        assert len(first) == 1 + (moment in SENT_TWICE)
        assert watch.summary.waiting == 0
    assert ids(db) == names
    with e2vdb.connect(db) as opened:
        rows = opened.sql("SELECT utterance_id, status FROM alerts ORDER BY ALL").fetchall()
        assert rows == [(name, "sent") for name in names]
        assert opened.ingest(root, workers=1).unchanged == 3
