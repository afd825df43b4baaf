"""Without the extra, without a model, without a network: sentences, no tracebacks."""

import socket
import subprocess
import sys
from importlib import import_module

import pytest
from build import write_output
from running import e2vdb as run
from sounds import speech, write_wav

from e2vdb.audio import extra, models, recognise
from e2vdb.errors import InputError, UsageError

HUB = "modelscope.hub.snapshot_download"
HEAVY = ("torch", "funasr", "silero_vad", "soundfile", "soxr", "av")


@pytest.fixture
def no_network(monkeypatch):
    """Fail the test where anything opens a connection or looks a name up."""

    def refuse(*_args, **_options):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize("words", [("embed", "a.wav"), ("search", "a.wav")])
def test_without_the_extra_the_commands_say_what_brings_it(tmp_path, monkeypatch, words):
    monkeypatch.setattr(extra, "find_spec", lambda name: None if name in HEAVY else name)
    monkeypatch.chdir(tmp_path)
    write_wav(tmp_path / "a.wav", speech(0.3))
    write_output(tmp_path / "out")
    run("--db", tmp_path / "db", "ingest", tmp_path / "out")
    done = run("--db", tmp_path / "db", *words)
    assert done.code == 1
    assert "pip install 'e2vdb[audio]'" in done.err
    assert "Traceback" not in done.err


def test_the_base_package_imports_none_of_it():
    code = (
        "import sys, e2vdb, e2vdb.database, e2vdb.cli.app, e2vdb.cli.embed, e2vdb.cli.search, "
        "e2vdb.audio, e2vdb.audio.embed\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("model", ["models/large", "./large", "/nowhere/large", "~/no such", "x"])
def test_a_missing_directory_never_goes_to_the_network(tmp_path, no_network, model):
    path = write_wav(tmp_path / "a.wav", speech(0.3))
    with pytest.raises(InputError, match=r"model directory .* does not exist"):
        recognise(path, model)


def test_a_local_directory_never_goes_to_the_network(tmp_path, no_network, model):
    from e2vdb.audio.recogniser import Recogniser

    assert Recogniser(model).dimension == 1024


def test_a_name_on_the_hub_says_what_to_do_offline(monkeypatch):
    asked = []

    def offline(name, **options):
        asked.append((name, options))
        raise ConnectionError("Name or service not known")

    monkeypatch.setattr(import_module(HUB), "snapshot_download", offline)
    with pytest.raises(InputError, match=r"iic/emotion2vec_base is not on this .*--model DIR"):
        models.find_model("emotion2vec_base")
    assert asked == [
        ("iic/emotion2vec_base", {"local_files_only": True}),
        ("iic/emotion2vec_base", {}),
    ]


def test_a_name_on_the_hub_that_is_cached_needs_no_network(monkeypatch, model):
    here = lambda name, local_files_only: model  # noqa: E731
    monkeypatch.setattr(import_module(HUB), "snapshot_download", here)
    name, folder = models.find_model("iic/emotion2vec_plus_large")
    assert (name, str(folder)) == ("iic/emotion2vec_plus_large", model)


def test_cuda_where_there_is_none(tmp_path, model):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(UsageError, match="no CUDA device"):
        recognise(write_wav(tmp_path / "a.wav", speech(0.3)), model, device="cuda")


def test_funasr_says_nothing_on_stdout(tmp_path, model):
    call = write_wav(tmp_path / "a.wav", speech(0.3))
    words = ["embed", str(call), "--out", str(tmp_path / "out"), "--model", model]
    done = subprocess.run([sys.executable, "-m", "e2vdb", *words], capture_output=True, text=True)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1
    ours = ("Recognising: ", "1 recordings: ", "Telephone audio: 1")
    assert [one for one in done.stderr.splitlines() if not one.startswith(ours)] == []
