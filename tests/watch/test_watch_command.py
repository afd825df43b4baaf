"""`e2vdb watch` and `e2vdb alerts` as an operator runs them."""

import json
import signal
from pathlib import Path

import pytest
from build import write_output
from running import e2vdb
from trees import ids, name_of
from watching import WatchProcess
from webhook import Webhook, status

ANGRY = {"emotion": "angry", "confidence": 0.9, "scores": {"angry": 0.9, "sad": 0.1}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "outputs"
    root.mkdir()
    return root


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_finish_the_batch(root: Path, tmp_path: Path, number: int) -> None:
    db = tmp_path / "db"
    slow = (
        "from e2vdb.loading.intake import Intake\nimport time\ntake = Intake.take\n"
        "def slowly(*words):\n"
        f"    os.kill(os.getpid(), {int(number)})\n"
        "    time.sleep(0.3)\n"
        "    return take(*words)\n"
        "Intake.take = slowly"
    )
    with Webhook() as hook:
        watch = WatchProcess(db, root, "--alert-when", "angry > 0.8", code=slow, url=hook.url)
        watch.wait_for("Watching ")
        write_output(root, name_of(1), result=ANGRY, dimension=16)
        assert watch.end() == 0
        assert len(hook.messages) == 1
    assert ids(db) == [name_of(1)]
    assert "1 directory: 1 new, 1 alert" in watch.said[-2]
    assert "1 alerts raised, 1 sent, 0 failed" in watch.said[-1]
    assert not any("Traceback" in line for line in watch.said)


@pytest.mark.parametrize("words", [["--poll"], ["--alert-format", "wecom"]])
def test_lines_and_secrets(root: Path, tmp_path: Path, words: list[str]) -> None:
    ok = status(200, b'{"errcode":0}')
    with Webhook(status(500), *[ok] * 9) as hook:
        url = ["--alert-url", hook.url, "--alert-when", "angry > 0.8"]
        watch = WatchProcess(tmp_path / "db", root, *url, *words)
        watch.wait_for("Watching ")
        write_output(root, name_of(1), result=ANGRY, dimension=16)
        write_output(root, "broken", result=b"{", dimension=16)
        hook.wait_for(2)
        watch.wait_for("takes alerts again")
        watch.process.send_signal(signal.SIGTERM)
        assert watch.end() == 0
    text = "\n".join(watch.said)
    assert "geheim-4711" not in text
    assert "sEcReT-0815" not in text
    assert "E2VDB_ALERT_URL" in watch.said[0]
    assert "1 reject (bad_json)" in text
    stamped = [line for line in watch.said[1:] if line[:4].isdecimal() and line[10] == " "]
    assert len(stamped) == len(watch.said) - 1


def test_alerts_are_listed(root: Path, tmp_path: Path) -> None:
    db = tmp_path / "db"
    with Webhook(status(400)) as hook:
        watch = WatchProcess(db, root, "--alert-when", "angry > 0.8", url=hook.url)
        watch.wait_for("Watching ")
        for number in range(3):
            write_output(root, name_of(number), seed=number, result=ANGRY, dimension=16)
        hook.wait_for(3)
        watch.process.send_signal(signal.SIGTERM)
        assert watch.end() == 0
    table = e2vdb("alerts", "--db", db)
    assert (table.code, table.err) == (0, "")
    assert table.out.count("sent") == 2
    assert table.out.count("failed") == 1
    assert "answered 400" in table.out
    rows = json.loads(e2vdb("alerts", "--format", "json", "--db", db).out)
    assert [row["created_at"] for row in rows] == sorted(
        (row["created_at"] for row in rows), reverse=True
    )
    assert json.loads(rows[0]["payload"])["scores"]["angry"] == 0.9
    one = json.loads(e2vdb("alerts", "--status", "failed", "--format", "json", "--db", db).out)
    assert len(one) == 1
    limited = e2vdb("alerts", "--limit", "2", "--format", "csv", "--db", db).out
    assert limited.count("\n") == 3
    file = tmp_path / "alerts.csv"
    assert e2vdb("alerts", "--format", "csv", "-o", file, "--db", db).out == ""
    assert file.read_text().count("\n") == 4
    wrong = e2vdb("alerts", "--id", "x", "--db", db)
    assert (wrong.code, "--resend" in wrong.err) == (1, True)
    other = e2vdb("alerts", "--resend", "--id", "x", "--db", db)
    assert other.err.startswith("0 failed alerts")
    again = e2vdb("alerts", "--resend", "--id", one[0]["alert_id"], "--db", db)
    assert again.err.startswith("1 failed alerts are pending again")
    answer = e2vdb("sql", "SELECT status, count(*) AS n FROM alerts GROUP BY ALL ORDER BY ALL",
                   "--format", "csv", "--db", db)  # fmt: skip
    assert answer.out == "status,n\npending,1\nsent,2\n"


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--alert-url", "geheim", "--alert-when", "true"], "must be an http:// or https://"),
        (["--alert-when", "angri > 1"], "cannot be used"),
        (["--reference", "nobody"], "no reference set"),
        (["--alert-url", "http://localhost:1/geheim"], "Say what to alert on"),
        (["--settle", "-1"], "0 to 3600"),
        (["--pass", "2"], "must be cosines"),
    ],
)
def test_mistakes(root: Path, tmp_path: Path, words: list[str], part: str) -> None:
    done = e2vdb("watch", root, *words, "--db", tmp_path / "db")
    assert (done.code, done.raw) == (1, b"")
    last = done.err.strip().split("\n")[-1]
    assert last.startswith("Error: ")
    assert part in last
    assert "geheim" not in done.err


def test_wrong_places(root: Path, tmp_path: Path) -> None:
    (root / "file").write_text("x")
    for folder, db, part in (
        (root / "none", tmp_path / "db", "does not exist"),
        (root / "file", tmp_path / "db", "is a file"),
        (root, root / "file", "file"),
    ):
        done = e2vdb("watch", folder, "--db", db)
        assert (done.code, done.err.count("\n")) == (1, 1)
        assert part in done.err
    assert not (tmp_path / "db").exists()
