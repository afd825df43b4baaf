"""Every other command, as a person uses it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from build import write_outputs
from click.testing import CliRunner
from running import e2vdb

from e2vdb import Database, connect
from e2vdb.cli.app import _COMMANDS, cli


@pytest.fixture
def address(demo, tmp_path: Path) -> Path:
    return demo.copy(tmp_path)


def test_ingest_twice(tmp_path: Path) -> None:
    write_outputs(tmp_path / "in", 3, dimension=8)
    (tmp_path / "in" / "outputs_20240105_000000").mkdir()
    (tmp_path / "m.csv").write_text(
        "output_dir,agent\noutputs_20240104_100000,王芳\nx,y\n", "utf-8"
    )
    words = ["ingest", tmp_path / "in", "--metadata", tmp_path / "m.csv", "--workers", "1"]
    first = e2vdb(*words, "--db", tmp_path / "db")
    assert (first.code, first.raw) == (0, b"")
    assert "4 directories found: 3 inserted, 0 updated, 0 unchanged, 1 rejected" in first.err
    assert "empty_directory" in first.err
    assert "2 rows, 1 match" in first.err
    second = e2vdb(*words, "--json", "--db", tmp_path / "db")
    found = json.loads(second.out)
    assert second.code == 0
    assert (found["unchanged"], found["rejected"], found["inserted"]) == (3, 1, 0)
    assert found["metadata"]["unmatched_examples"] == ["x"]


def test_metadata(address: Path, tmp_path: Path) -> None:
    file = tmp_path / "more.csv"
    file.write_text("utterance_id,score\noutputs_20240104_094705,7\n", "utf-8")
    for expected in ("1 match an utterance\n", "1 match an utterance, nothing new\n"):
        done = e2vdb("metadata", file, "--db", address)
        assert (done.code, done.raw) == (0, b"")
        assert expected in done.err
    answer = e2vdb("sql", "SELECT sum(score) AS s FROM calls", "--format", "csv", "--db", address)
    assert answer.out == "s\n7\n"
    assert json.loads(e2vdb("metadata", file, "--json", "--db", address).out)["matched"] == 1


def test_info(address: Path) -> None:
    text = e2vdb("info", "--versions", "--db", address).out
    for part in ("utterances", "320 rows", "38 dimensions", "on disk", "vectors of 1024"):
        assert part in text
    found = json.loads(e2vdb("info", "--json", "--db", address).out)
    assert {table["name"]: table["rows"] for table in found["tables"]}["frames"] == 13276
    assert (found["dimension"], found["distiller"]["dimensions"]) == (1024, 38)
    assert found["disk_bytes"] > 1e6


def test_latest(demo, tmp_path: Path) -> None:
    done = e2vdb("latest", demo.outputs)
    newest = max(path.name for path in demo.outputs.glob("outputs_*"))
    assert (done.code, done.out, done.err) == (0, f"{demo.outputs / newest}\n", "")
    for folder, part in ((tmp_path, "no directory named"), (tmp_path / "no", "does not exist")):
        done = e2vdb("latest", folder)
        assert (done.code, done.raw) == (1, b"")
        assert part in done.err


def test_distill_and_report(address: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with connect(address) as db:
        measured = db.distill_report()
    # Measured once, for it takes a while, and printed in both ways.
    monkeypatch.setattr(Database, "distill_report", lambda _: measured)
    done = e2vdb("distill", "--report", "--db", address)
    assert done.code == 0
    for part in ("1024 -> 38", "variance kept", "bytes saved", "accuracy"):
        assert part in done.out
    found = json.loads(e2vdb("distill", "--report", "--json", "--db", address).out)
    assert found["dimensions"] == 38
    assert 0.95 <= found["variance_kept"] < 1
    done = e2vdb("distill", "--variance", "0.7", "--db", address)
    assert (done.code, done.raw) == (0, b"")
    assert "fitted" in done.err


@pytest.mark.parametrize("column", ["embedding", "distilled"])
def test_export_round_trip(demo, tmp_path: Path, column: str) -> None:
    flags = ["--distilled"] if column == "distilled" else []
    one, file = "outputs_20240104_094705", tmp_path / "向量.npy"
    done = e2vdb("export", one, file, *flags, "--db", demo.address)
    assert (done.code, done.raw) == (0, b"")
    written = np.load(file, allow_pickle=False)
    if column == "embedding":
        original = np.load(demo.outputs / one / "embedding.npy")
        assert written.dtype == original.dtype
        assert (written == original).all()
    query = f"SELECT {column} AS v FROM utterances WHERE utterance_id = $id"
    words = ["-p", f"id={one}", "--format", "json", "--db", demo.address]
    stored = json.loads(e2vdb("sql", query, *words).out)[0]["v"]
    assert written.shape == (1, len(stored))
    assert np.allclose(written[0], stored, rtol=1e-6)


def test_export_of_nothing(demo, tmp_path: Path) -> None:
    file = tmp_path / "x.npy"
    for one, part in (("nobody", "no utterance"), ("odd/outputs_20240116_073000", "has no embed")):
        done = e2vdb("export", one, file, "--db", demo.address)
        assert (done.code, file.exists()) == (1, False)
        assert part in done.err
    done = e2vdb("export", "outputs_20240104_094705", "/no/x.npy", "--db", demo.address)
    assert (done.code, "cannot be written" in done.err) == (1, True)


def test_config(address: Path) -> None:
    assert "max_abs           5 " in e2vdb("config", "--db", address).out
    done = e2vdb("config", "max_abs", "4.5", "--db", address)
    assert (done.code, done.out.split()[:2]) == (0, ["max_abs", "4.5"])
    assert e2vdb("config", "max_abs", "--db", address).out.split()[1] == "4.5"
    for words in (["nope"], ["nope", "1"], ["max_abs", "inf"], ["variance", "2"]):
        done = e2vdb("config", *words, "--db", address)
        assert done.code == 1
        assert done.err.startswith("Error: ")


def test_tags(address: Path) -> None:
    assert e2vdb("tag", "--db", address).out == ""
    assert "is now spring" in e2vdb("tag", "spring", "--db", address).err
    assert e2vdb("tag", "--db", address).out.startswith("spring ")
    assert "exists" in e2vdb("tag", "spring", "--db", address).err
    assert e2vdb("tag", "spring", "--remove", "--db", address).code == 0
    assert e2vdb("tag", "spring", "--remove", "--db", address).code == 1


def test_optimize(address: Path) -> None:
    done = e2vdb("optimize", "--keep-days", "0", "--db", address)
    assert (done.code, done.raw) == (0, b"")
    assert "old versions removed" in done.err
    count = ["sql", "SELECT count(*) AS n FROM calls", "--format", "csv", "--db", address]
    assert e2vdb(*count).out == "n\n320\n"


def test_demo_twice(tmp_path: Path) -> None:
    first = e2vdb("demo", tmp_path / "d", "--calls", "60", "--seed", "3")
    second = e2vdb("demo", tmp_path / "d", "--calls", "60", "--seed", "3")
    assert (first.code, second.code) == (0, 0)
    assert first.out == second.out
    assert first.out.count("?\n") == 3
    assert "80 inserted" in first.err
    assert "0 inserted, 0 updated, 80 unchanged, 17 rejected" in second.err
    other = e2vdb("demo", tmp_path / "d", "--calls", "61")
    assert (other.code, other.raw) == (1, b"")
    assert "name another directory" in other.err


@pytest.mark.parametrize("name", _COMMANDS)
def test_help(name: str) -> None:
    done = e2vdb(name, "--help")
    assert done.code == 0
    assert done.out.startswith(f"Usage: e2vdb {name}")


@pytest.mark.parametrize(
    "name", [name for name in _COMMANDS if name not in ("latest", "demo", "serve")]
)
def test_no_database(name: str, tmp_path: Path) -> None:
    words = {
        "sql": ["SELECT 1"],
        "search": ["x"],
        "export": ["x", "y.npy"],
        "ingest": ["/no"],
        "embed": ["/no.wav", "--ingest", "--model", "/no"],
        "metadata": ["/no"],
        "head": ["import", "/no"],
        "cluster": ["--name", "x"],
        "map": ["--name", "x"],
        "events": ["list"],
        "reference": ["list"],
        "align": ["list"],
        "publish": ["x.duckdb"],
        "watch": ["/no"],
    }
    more = ["--remove", "x"] if name == "tag" else words.get(name, [])
    done = e2vdb(name, *more, "--db", tmp_path / "none")
    assert (done.code, done.raw) == (1, b"")
    assert done.err.startswith("Error: ")
    assert done.err.count("\n") == 1


def test_main_help_lists_every_command_and_imports_nothing_heavy() -> None:
    assert all(name in CliRunner().invoke(cli, ["--help"]).output for name in _COMMANDS)
    code = (
        "import sys\nfrom e2vdb.cli.app import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = ('duckdb', 'lance', 'lancedb', 'sklearn', 'pyarrow', 'numpy', 'rich')\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr == "[]\n"
