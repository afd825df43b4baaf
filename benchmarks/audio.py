"""`e2vdb embed`: its time against FunASR's own generate, and its memory on long calls.

The models have random weights, for time and memory do not depend on them: one of plus_large's
size (24 blocks of 1,024, 313 million weights) for the time, and a tiny one for the memory, where
the model itself hides least of what a call's length adds.
"""

import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.memory import peak_bytes
from benchmarks.report import Row, say

TESTS = Path(__file__).parent.parent / "tests"
ROUNDS = 5
"""The fastest round of each counts: whatever else the machine does only ever slows one down."""

SHORT_S = (4, 6, 8, 12, 16, 20)
LONG_S = (60,)
TIMES = 1.1
SHORT_CALL_MIN, LONG_CALL_MIN = 2, 60
GROWTH = 1.5


def measure(folder: Path) -> list[Row]:
    """Return the table's lines about embed; needs the extra `audio` and 2 GB meanwhile."""
    sys.path.append(str(TESTS))  # the speech and the models that the tests are made of
    from sounds import make_model

    say("making a model of plus_large's size …")
    large = make_model(folder / "large", blocks=24, convolutions=512, mlp_ratio=4.0)
    rows = _times(folder, str(large))
    shutil.rmtree(large)
    return rows + _memory(folder, str(make_model(folder / "tiny")))


def _times(folder: Path, model: str) -> list[Row]:
    from funasr import AutoModel

    from e2vdb.audio.recogniser import recogniser

    short, long = _calls(folder, SHORT_S), _calls(folder, LONG_S)
    theirs = AutoModel(model=model, disable_update=True, disable_pbar=True, log_level="ERROR")
    recogniser(model)
    for warm_up in (_generate_seconds, _embed_seconds):
        warm_up(folder, model, theirs, short[:1])
    rows = []
    for what, calls, audio_s, limit in (
        (f"{len(short)} clips of {SHORT_S[0]} to {SHORT_S[-1]} s", short, sum(SHORT_S), TIMES),
        (f"a call of {LONG_S[0]} s, which generate hears in one go", long, sum(LONG_S), TIMES),
    ):
        ours, generate = [], []
        for number in range(ROUNDS):
            say(f"{what}, round {number + 1} of {ROUNDS} …")
            ours.append(_embed_seconds(folder, model, theirs, calls))
            generate.append(_generate_seconds(folder, model, theirs, calls))
        ratio = min(ours) / min(generate)
        measured = f"{ratio:.2f} ({audio_s / min(ours):.1f} x real time)"
        name = f"embed's time over FunASR's generate, plus_large's size, {what}"
        rows.append(Row(name, measured, f"<= {limit}", ratio <= limit))
    return rows


def _generate_seconds(_folder: Path, _model: str, theirs: Any, calls: list[Path]) -> float:
    started = time.perf_counter()
    for call in calls:
        theirs.generate(str(call), granularity="utterance", extract_embedding=True)
    return time.perf_counter() - started


def _embed_seconds(folder: Path, model: str, _theirs: Any, calls: list[Path]) -> float:
    from e2vdb.audio.embed import embed
    from e2vdb.audio.options import EmbedOptions

    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    started = time.perf_counter()
    done = embed(calls, out, EmbedOptions(model))
    taken = time.perf_counter() - started
    assert len(done.made) == len(calls)
    return taken


def _memory(folder: Path, model: str) -> list[Row]:
    """Measure the whole process; frames are written too, so that nothing may pile up."""
    peaks = []
    for minutes in (SHORT_CALL_MIN, LONG_CALL_MIN):
        say(f"peak memory of a call of {minutes} minutes …")
        (call,) = _calls(folder, (60 * minutes,))
        out = folder / f"out-{minutes}"
        words = ["embed", str(call), "--out", str(out), "--model", model, "--frames"]
        peaks.append(peak_bytes([sys.executable, "-m", "e2vdb", *words]))
        call.unlink()
        shutil.rmtree(out)
    what = f"embed --frames: peak memory on {LONG_CALL_MIN} minutes over {SHORT_CALL_MIN} minutes"
    if peaks[0] is None or peaks[1] is None:
        return [Row(what, "measured on Linux only")]
    ratio = peaks[1] / peaks[0]
    shown = f"{ratio:.2f} ({peaks[1] / 1e6:,.0f} MB, {peaks[0] / 1e6:,.0f} MB)"
    return [Row(what, shown, f"<= {GROWTH}", ratio <= GROWTH)]


def _calls(folder: Path, lengths_s: tuple[int, ...]) -> list[Path]:
    from sounds import noise, speech, write_wav

    minute = speech(min(60, max(lengths_s)), 1)
    calls = []
    for seconds in lengths_s:
        sound = np.resize(minute, 16_000 * seconds) + noise(seconds, -50, seconds)
        calls.append(write_wav(folder / f"call-{seconds}.wav", sound))
    return calls
