"""A watch as Python runs it: what comes in, in time and place, and what is told to whom."""

import json
import os
import shutil
from pathlib import Path

import lance
import pytest
from build import write_output
from trees import ids, name_of, table
from trees import write_output as write_tree_output
from watching import Watching, eventually
from webhook import Webhook, status

import e2vdb
from e2vdb.errors import BusyError, E2VError, InputError, UsageError
from e2vdb.store.lock import writer_lock

ANGRY = {"emotion": "angry", "confidence": 0.9, "scores": {"angry": 0.9, "sad": 0.1}}
CALM = {"emotion": "neutral", "confidence": 0.9, "scores": {"neutral": 0.9, "angry": 0.1}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "outputs"
    root.mkdir()
    return root


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "db"


def put(root: Path, number: int, result: dict = ANGRY, **more: object) -> str:
    """Write a directory elsewhere and rename it into place."""
    choices = {"seed": number, "result": result, "dimension": 16, **more}
    part = write_output(root / ".part", name_of(number), **choices)
    part.rename(root / part.name)
    return part.name


@pytest.mark.parametrize("poll", [False, True])
def test_rows_rejects_and_alerts(root: Path, db: Path, poll: bool) -> None:
    before = [put(root, 1), put(root, 2, CALM)]
    with (
        Webhook() as hook,
        Watching(db, root, alert_when="angry > 0.8", alert_url=hook.url, poll=poll) as watch,
    ):
        assert [one["utterance_id"] for one in hook.wait_for(1)] == before[:1]
        later = put(root, 3)
        write_output(root, "broken", result=b"{", dimension=16)
        write_output(root / "team", name_of(4), seed=4, result=ANGRY, dimension=16)
        told = {one["utterance_id"] for one in hook.wait_for(3)}
        assert told == {before[0], later, f"team/{name_of(4)}"}
        watch.wait_for("1 reject (bad_json)")
    assert ids(db) == sorted([*before, later, f"team/{name_of(4)}"])
    assert ids(db, "rejects") == ["broken"]
    assert (watch.summary.inserted, watch.summary.rejected, watch.summary.sent) == (4, 1, 3)
    assert watch.summary.waiting == 0
    with e2vdb.connect(db) as opened:
        rows = opened.sql("SELECT status, attempts FROM alerts").fetchall()
    assert rows == [("sent", 1)] * 3


def test_nothing_secret_is_said_or_kept(root: Path, db: Path) -> None:
    with Webhook(status(500), status(404), status(302, Location="/geheim-4711")) as hook:
        with Watching(db, root, alert_when="true", alert_url=hook.url) as watch:
            put(root, 1)
            hook.wait_for(4)
        secrets = ("geheim-4711", "sEcReT-0815")
        kept = json.dumps(table(db, "alerts").to_pylist(), default=str)
        assert not any(secret in text for secret in secrets for text in (kept, str(watch.said)))
        on_disk = b"".join(path.read_bytes() for path in db.rglob("*") if path.is_file())
        assert not any(secret.encode() in on_disk for secret in secrets)
    assert "127.0.0.1" in str(watch.said)


def test_an_alert_is_raised_once(root: Path, db: Path) -> None:
    with Webhook() as hook:
        choices = {"alert_when": "angry > 0.8", "alert_url": hook.url}
        with Watching(db, root, **choices):
            put(root, 1)
            hook.wait_for(1)
        with Watching(db, root, **choices) as again:
            write_output(root, name_of(1), seed=9, result=ANGRY, dimension=16)
            again.wait_for("1 changed")
            put(root, 2)
            hook.wait_for(2)
        assert [one["utterance_id"] for one in hook.messages] == [name_of(1), name_of(2)]


def test_what_another_process_has_ingested(root: Path, db: Path) -> None:
    """Its directories are noticed, so their calls are checked all the same."""
    with Webhook() as hook:
        choices = {"alert_when": "angry > 0.8", "alert_url": hook.url}
        put(root, 1)
        with e2vdb.connect(db) as opened:
            opened.ingest(root, workers=1)
            with Watching(db, root, settle_s=0.5, **choices):
                put(root, 2)
                opened.ingest(root, workers=1)
                assert [one["utterance_id"] for one in hook.wait_for(1)] == [name_of(2)]
            put(root, 3)
            opened.ingest(root, workers=1)  # while nobody watches
        with Watching(db, root, **choices):
            hook.wait_for(2)
        assert [one["utterance_id"] for one in hook.messages] == [name_of(2), name_of(3)]


def test_a_quiet_start(root: Path, db: Path) -> None:
    put(root, 1)
    with Webhook() as hook:
        choices = {"alert_when": "angry > 0.8", "alert_url": hook.url, "quiet_start": True}
        with Watching(db, root, **choices):
            put(root, 2)
            hook.wait_for(1)
        put(root, 3)
        with Watching(db, root, **choices):
            hook.wait_for(2)
        assert [one["utterance_id"] for one in hook.messages] == [name_of(2), name_of(3)]


def test_verdicts(root: Path, db: Path) -> None:
    with e2vdb.connect(db) as opened:
        for number in range(5):
            put(root, number, CALM)
        opened.ingest(root, workers=1)
        opened.references.add("excellent", where="utterance_id LIKE '%00000%'")
    with Webhook() as hook:
        with Watching(db, root, reference="excellent", alert_url=hook.url):
            put(root, 50, CALM)
            (said,) = hook.wait_for(1)
        assert (said["verdict"], said["reference"]) == ("risk", "excellent")
        assert said["similarity"] < 0.6
        assert said["condition"] == "verdict = 'risk'"


def test_without_an_address_alerts_wait(root: Path, db: Path) -> None:
    with Watching(db, root, alert_when="true") as watch:
        put(root, 1)
        watch.wait_for("1 new, 1 alert")
    assert watch.summary.waiting == 1
    assert "wait in the outbox" in watch.said[0]
    with Webhook() as hook, Watching(db, root, alert_when="true", alert_url=hook.url):
        hook.wait_for(1)


def test_without_alerts_it_takes_in(root: Path, db: Path) -> None:
    with Watching(db, root) as watch:
        put(root, 1)
        watch.wait_for("1 directory: 1 new")
    assert ids(db) == [name_of(1)]


def test_failed_alerts_are_sent_again(root: Path, db: Path) -> None:
    with Webhook(status(400)) as hook:
        with Watching(db, root, alert_when="true", alert_url=hook.url) as watch:
            put(root, 1)
            watch.wait_for("given up")
            with e2vdb.connect(db) as opened:
                eventually(lambda: len(opened.alerts("failed").fetchall()) == 1)
                assert opened.send_again() == 1
            hook.wait_for(2)
        assert len(set(hook.ids())) == 1
        assert watch.summary.failed == 1


def test_a_receiver_that_is_down_is_told_of(root: Path, db: Path) -> None:
    with Webhook() as hook:
        pass
    with Watching(db, root, alert_when="true", alert_url=hook.url) as watch:
        put(root, 1)
        watch.wait_for("refused the connection; trying again in")
    assert (watch.summary.waiting, watch.summary.sent) == (1, 0)
    with e2vdb.connect(db) as opened:
        query = "SELECT status, attempts > 0, last_error FROM alerts"
        assert opened.sql(query).fetchall() == [("pending", True, "refused the connection")]
    with Webhook() as other, Watching(db, root, alert_when="true", alert_url=other.url):
        other.wait_for(1)


def test_it_waits_for_another_writer(root: Path, db: Path) -> None:
    with Watching(db, root) as watch, e2vdb.connect(db) as opened:
        with writer_lock(opened.address):
            put(root, 1)
            watch.wait_for("Another process is writing")
            assert ids(db) == []
        watch.wait_for("1 new")
    with Watching(db, root) as watch, e2vdb.connect(db) as opened, writer_lock(opened.address):
        put(root, 2)
        watch.wait_for("Another process is writing")
        watch.stop.set()
        watch.wait_for("Stopped")
    with Watching(db, root) as watch:
        watch.wait_for("1 new")


def test_a_folder_that_is_taken_away_and_put_back(root: Path, db: Path) -> None:
    with Watching(db, root) as watch:
        root.rename(root.with_name("elsewhere"))
        watch.wait_for("is gone")
        put(root.with_name("elsewhere"), 1)
        root.with_name("elsewhere").rename(root)
        watch.wait_for("is back")
        watch.wait_for("1 new")
        put(root, 2)
        watch.wait_for("1 new", times=2)


def test_a_disk_that_is_full_for_a_while(
    root: Path, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("e2vdb.watch.watcher.RETRY_S", 0.1)
    commit = lance.LanceDataset.commit
    full: list[int] = [1, 2, 3]

    def failing(*words: object, **options: object) -> object:
        if full and "alerts" in str(words[0]):
            full.pop()
            raise OSError(28, "No space left on device")
        return commit(*words, **options)

    with Webhook() as hook, Watching(db, root, alert_when="true", alert_url=hook.url) as watch:
        monkeypatch.setattr(lance.LanceDataset, "commit", failing)
        put(root, 1)
        hook.wait_for(1)
    assert "No space left on device" in str(watch.said)
    assert full == []


def test_odd_names(root: Path, db: Path) -> None:
    raw = os.fsencode(root) + b"/\xff\xfe\xd6"
    with Watching(db, root):
        plain = write_tree_output(root / "电话 '1'\n\"", 1, dimension=16)
        shutil.copytree(plain, os.fsdecode(raw))
        eventually(lambda: len(ids(db)) == 2)
    with e2vdb.connect(db) as opened:
        opened.ingest(root, workers=1)
    assert len(ids(db)) == 2


@pytest.mark.parametrize(
    ("choices", "part"),
    [
        ({"reference": "nobody"}, "There is no reference set 'nobody'"),
        ({"alert_when": "angri > 1"}, "cannot be used"),
        ({"alert_when": " "}, "is empty"),
        ({"alert_when": "true", "alert_url": "geheim"}, "must be an http:// or https://"),
        ({"alert_url": "http://localhost:1/x"}, "Say what to alert on"),
        ({"alert_url": "", "alert_when": "true"}, "is empty"),
        ({"alert_format": "fax"}, "json, wecom, slack"),
        ({"least_pass": 0.5, "least_review": 0.6}, "-1 <= review <= pass <= 1"),
        ({"settle_s": -1.0}, "0 to 3600"),
        ({"frames": "half"}, "frames must be one of"),
        ({"source": "/"}, "source must be a name"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_a_mistake_is_one_sentence(root: Path, db: Path, choices: dict, part: str) -> None:
    with e2vdb.connect(db) as opened, pytest.raises(UsageError) as raised:
        opened.watch(root, **choices)
    assert part in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "geheim" not in str(raised.value)


def test_the_wrong_folder_and_a_second_watch(root: Path, db: Path) -> None:
    with e2vdb.connect(db) as opened:
        with pytest.raises(InputError, match="does not exist"):
            opened.watch(root / "none")
        (root / "file").write_text("x")
        with pytest.raises(InputError, match="is a file"):
            opened.watch(root / "file")
        assert not db.exists()
        with Watching(db, root), pytest.raises(BusyError, match="is watching"):
            opened.watch(root)
    with e2vdb.connect(db, as_of=1) as past, pytest.raises(E2VError, match="past"):
        past.watch(root)
