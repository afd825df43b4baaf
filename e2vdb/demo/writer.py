"""Write a demo tree: synthetic output directories, their metadata and the planted truths."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from e2vdb.demo import scenario, tables
from e2vdb.demo.broken import broken_directories
from e2vdb.demo.calls import Call, plan_calls
from e2vdb.demo.directories import (
    OutputDirectory,
    call_directories,
    write_directory,
    write_if_changed,
)
from e2vdb.demo.frames import OUTBURST_S, Recording, plan_recordings
from e2vdb.demo.odd import WITHOUT_RESULT, duplicate_pairs, odd_directories
from e2vdb.demo.spare import SpareCalls
from e2vdb.demo.truth import DemoTruth, Ids
from e2vdb.demo.voices import VoiceModel
from e2vdb.errors import UsageError

DEMO_SEED = 0
FEWEST_CALLS, MOST_CALLS = 50, 1_000_000


class DemoError(UsageError, ValueError):
    """The demo cannot be written with these settings or into this directory."""


ByCode = Mapping[str, Sequence[OutputDirectory]]


@dataclass(frozen=True, slots=True)
class _Demo:
    """All parts of a demo, planned in memory but for the regular directories' contents."""

    calls: Sequence[Call]
    recordings: Mapping[str, Recording]
    model: VoiceModel
    broken: ByCode
    odd: ByCode
    duplicates: Sequence[tuple[OutputDirectory, OutputDirectory]]


def write_demo(directory: Path, *, calls: int = 2000, seed: int = DEMO_SEED) -> DemoTruth:
    """Write `calls` synthetic output directories, odd and broken ones, and what was planted.

    The same arguments give the same bytes; over an earlier demo of the same arguments nothing
    that is already right is written. The planted effects are large enough to be measured from
    about 1,000 calls on. Raises DemoError for any other directory that is not empty.
    """
    if not FEWEST_CALLS <= calls <= MOST_CALLS or seed < 0:
        message = f"calls must be {FEWEST_CALLS}..{MOST_CALLS} and seed 0 or more"
        raise DemoError(f"{message}, not calls={calls}, seed={seed}")
    demo = _plan(calls, seed)
    truth = _truth(demo, calls, seed)
    _claim(directory, truth)
    for output in _outputs(demo, seed):
        write_directory(directory / "outputs", output)
    write_if_changed(directory / "calls.csv", tables.calls_csv(demo.calls))
    write_if_changed(directory / "events.csv", tables.events_csv())
    return truth


def _claim(directory: Path, truth: DemoTruth) -> None:
    """Take an empty directory or one of the same demo; truth.json goes first and marks it."""
    marker, content = directory / "truth.json", truth.to_json().encode()
    if directory.exists() and not directory.is_dir():
        raise DemoError(f"{directory} is a file; name a directory for the demo")
    ours = marker.is_file() and marker.read_bytes() == content
    if not ours and directory.exists() and any(directory.iterdir()):
        settings = f"calls={truth.calls}, seed={truth.seed}"
        raise DemoError(
            f"{directory} is not empty and holds no demo of {settings}; name another directory"
        )
    directory.mkdir(parents=True, exist_ok=True)
    write_if_changed(marker, content)
    write_if_changed(directory / "README.txt", tables.README.encode())


def _plan(calls: int, seed: int) -> _Demo:
    plan, model = plan_calls(calls, seed), VoiceModel(seed)
    kept = SpareCalls(model, seed, 1)
    return _Demo(
        calls=plan,
        recordings=plan_recordings(plan, seed),
        model=model,
        broken=broken_directories(SpareCalls(model, seed, 2)),
        odd=odd_directories(kept),
        duplicates=duplicate_pairs(kept),
    )


def _outputs(demo: _Demo, seed: int) -> Iterator[OutputDirectory]:
    planted = chain(demo.broken.values(), demo.odd.values(), demo.duplicates)
    yield from chain.from_iterable(planted)
    yield from call_directories(demo.calls, demo.recordings, demo.model, seed)


def _truth(demo: _Demo, calls: int, seed: int) -> DemoTruth:
    odd = _ids(demo.odd)
    without_result = odd.pop(WITHOUT_RESULT)
    copies = {copy.name: original.name for original, copy in demo.duplicates}
    return DemoTruth(
        calls=calls,
        seed=seed,
        long_angry_agent=scenario.LONG_ANGRY_AGENT,
        long_angry_from=scenario.LONG_ANGRY_FROM,
        long_angry_until=scenario.LONG_ANGRY_UNTIL,
        launch=scenario.LAUNCH,
        training=scenario.TRAINING,
        anger_kinds={call.name: call.anger_kind for call in demo.calls if call.anger_kind},
        outbursts={name: rec.outburst_s for name, rec in demo.recordings.items()},
        outburst_s=OUTBURST_S,
        rejects=_ids(demo.broken),
        warnings=odd | {"duplicate": tuple(copies)},
        duplicates=copies,
        without_result=without_result,
    )


def _ids(by_code: ByCode) -> dict[str, Ids]:
    return {code: tuple(d.name for d in found) for code, found in by_code.items()}
