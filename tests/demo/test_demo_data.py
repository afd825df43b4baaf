"""The written tree: deterministic, shaped like the WebUI's, broken where it says so."""

import csv
import hashlib
import json
import re
import wave
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from e2vdb.demo import DemoError, write_demo

EMOTIONS = ["angry", "disgusted", "fearful", "happy", "neutral", "other", "sad"]
EMOTIONS += ["surprised", "unknown"]
SMALL = {"calls": 60, "seed": 3}


def digests(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def start_of(name: str) -> datetime:
    return datetime.strptime(name, "outputs_%Y%m%d_%H%M%S")


def test_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    truths = [write_demo(tmp_path / name, **SMALL) for name in "ab"]
    assert truths[0] == truths[1]
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert write_demo(tmp_path / "c", calls=60, seed=4).anger_kinds != truths[0].anger_kinds


def test_rewriting_restores_damage_and_touches_nothing_else(tmp_path: Path) -> None:
    write_demo(tmp_path, **SMALL)
    before = digests(tmp_path)
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    damaged = next((tmp_path / "outputs").glob("outputs_*")) / "embedding.npy"
    damaged.write_bytes(b"")
    (tmp_path / "e2v.lancedb").mkdir()
    write_demo(tmp_path, **SMALL)
    assert digests(tmp_path) == before
    assert {path for path in stamps if path.stat().st_mtime_ns != stamps[path]} == {damaged}


def test_foreign_directory_other_settings_and_a_file_are_refused(tmp_path: Path) -> None:
    foreign, other, file = tmp_path / "foreign", tmp_path / "other", tmp_path / "file"
    foreign.mkdir()
    (foreign / "letter.txt").write_text("mine")
    file.write_text("mine")
    write_demo(other, calls=50, seed=3)
    before = digests(tmp_path)
    for directory in (foreign, other, file):
        with pytest.raises(DemoError, match=str(directory)):
            write_demo(directory, **SMALL)
    assert digests(tmp_path) == before


@pytest.mark.parametrize("settings", [{"calls": 0}, {"calls": 2_000_000}, {"seed": -1}])
def test_settings_out_of_bounds_are_named(tmp_path: Path, settings: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(settings))}={next(iter(settings.values()))}"):
        write_demo(tmp_path / "demo", **settings)
    assert not (tmp_path / "demo").exists()


def test_regular_calls_have_unique_names_in_a_flat_tree(demo) -> None:
    flat = sorted(path.name for path in demo.outputs.glob("outputs_*"))
    assert flat == sorted(demo.names)
    assert len(set(flat)) == demo.truth.calls == 2000
    assert {d.name for d in demo.outputs.iterdir()} - set(flat) == {"broken", "odd"}


def test_calls_csv_is_keyed_by_name_and_time(demo) -> None:
    with (demo.directory / "calls.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["output_dir", "agent", "customer", "product", "team", "called_at"]
    assert all(start_of(r["output_dir"]) == datetime.fromisoformat(r["called_at"]) for r in rows)
    assert len({r["agent"] for r in rows}) == 12
    assert len({r["team"] for r in rows}) == 3


def test_events_csv_holds_the_launch_and_the_training(demo) -> None:
    with (demo.directory / "events.csv").open(encoding="utf-8", newline="") as file:
        events = {row["kind"]: row for row in csv.DictReader(file)}
    launch, training = demo.truth.launch, demo.truth.training
    assert list(events["launch"]) == ["name", "kind", "starts_at", "ends_at", "product", "team"]
    assert events["launch"]["starts_at"].startswith(str(launch.day))
    assert (events["launch"]["name"], events["launch"]["product"]) == (launch.event, launch.product)
    assert events["training"]["starts_at"].startswith(str(training.day))
    assert (events["training"]["name"], events["training"]["team"]) == (
        training.event,
        training.team,
    )


def test_results_have_the_webui_shape_and_agree_with_themselves(demo) -> None:
    for name, result in zip(demo.names, demo.results, strict=True):
        scores = result["scores"]
        assert list(scores) == EMOTIONS
        assert sum(scores.values()) == pytest.approx(1, abs=1e-5)
        assert max(scores, key=scores.get) == result["emotion"]
        assert result["confidence"] == max(scores.values())
        assert list(scores.values()).count(result["confidence"]) == 1
        assert (result["granularity"], result["synthetic"]) == ("utterance", True)
        ended = datetime.fromisoformat(result["timestamp"])
        assert 2 <= (ended - start_of(name)).total_seconds() < 10


def test_embeddings_are_in_the_usual_ranges(demo) -> None:
    assert demo.embeddings.shape == (2000, 1024)
    assert demo.embeddings.dtype == np.float32
    norms = np.linalg.norm(demo.embeddings, axis=1)
    assert norms.min() > 15
    assert norms.max() < 25
    assert np.abs(demo.embeddings).max() < 5


def test_frame_calls_hold_audio_frames_and_their_exact_mean(demo) -> None:
    holders = {path.parent.name for path in demo.outputs.glob("outputs_*/frame_embeddings.npy")}
    assert holders == set(demo.truth.outbursts)
    assert len(holders) == 8
    for name in holders:
        frames = np.load(demo.outputs / name / "frame_embeddings.npy")
        mean = frames.mean(axis=0, dtype=np.float64).astype(np.float32)
        assert (mean == np.load(demo.outputs / name / "embedding.npy")[0]).all()
        with wave.open(str(demo.outputs / name / "processed_audio.wav")) as wav:
            assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (16_000, 1, 2)
            assert len(wav.readframes(wav.getnframes())) == 2 * wav.getnframes()
            assert frames.shape == ((wav.getnframes() - 400) // 320 + 1, 1024)
            assert 20 <= wav.getnframes() / 16_000 <= 40


def test_truth_json_has_the_same_content(demo) -> None:
    written = json.loads((demo.directory / "truth.json").read_text("utf-8"))
    assert json.loads(demo.truth.to_json()) == written
    assert written["synthetic"] is True
    assert written["launch"]["day"] == "2024-05-31"
    assert "SYNTHETIC" in (demo.directory / "README.txt").read_text("utf-8")


def test_every_odd_and_broken_directory_is_accounted_for_once(demo) -> None:
    truth = demo.truth
    listed = [*truth.without_result, *truth.duplicates.values()]
    listed += [
        name for by_code in (truth.rejects, truth.warnings) for n in by_code.values() for name in n
    ]
    found = [path for kind in ("odd", "broken") for path in (demo.outputs / kind).iterdir()]
    assert sorted(listed) == sorted(path.relative_to(demo.outputs).as_posix() for path in found)
    assert set(truth.rejects) == {
        "unreadable_npy", "wrong_dtype", "wrong_dimension", "not_finite", "all_zero", "bad_json",
        "empty_directory",
    }  # fmt: skip
    assert set(truth.warnings) == {
        "out_of_range", "norm_outlier", "frames_mismatch", "label_mismatch", "duplicate",
        "unparsed_time", "no_embedding", "embedding_from_frames",
    }  # fmt: skip
    assert all(len(names) >= 2 for by in (truth.rejects, truth.warnings) for names in by.values())


def reject_code(folder: Path) -> str | None:
    """Judge a directory as an independent reader would."""
    if not any(folder.iterdir()):
        return "empty_directory"
    try:
        array = np.load(folder / "embedding.npy", allow_pickle=False)
    except (ValueError, EOFError):
        return "unreadable_npy"
    if not isinstance(array, np.ndarray):
        return "unreadable_npy"
    if array.dtype.kind not in "fiu":
        return "wrong_dtype"
    if array.size != 1024:
        return "wrong_dimension"
    if not np.isfinite(array).all():
        return "not_finite"
    if not array.any():
        return "all_zero"
    try:
        return (
            None
            if isinstance(json.loads((folder / "result.json").read_text()), dict)
            else "bad_json"
        )
    except ValueError:
        return "bad_json"


def test_each_broken_directory_deserves_its_code(demo) -> None:
    for code, names in demo.truth.rejects.items():
        assert [reject_code(demo.outputs / name) for name in names] == [code] * len(names)


def load(demo, name: str, file: str = "embedding.npy") -> np.ndarray:
    return np.load(demo.outputs / name / file, allow_pickle=False)


def test_each_odd_directory_deserves_its_warning(demo) -> None:
    odd = demo.truth.warnings
    for name in odd["out_of_range"]:
        assert np.abs(load(demo, name)).max() > 5
        assert 15 < np.linalg.norm(load(demo, name)) < 25
    for name in odd["norm_outlier"]:
        assert not 15 <= np.linalg.norm(load(demo, name)) <= 25
        assert np.abs(load(demo, name)).max() <= 5
    for name in odd["frames_mismatch"]:
        mean = load(demo, name, "frame_embeddings.npy").mean(axis=0)
        assert np.abs(mean - load(demo, name)).max() > 0.1
    for name in odd["label_mismatch"]:
        result = json.loads((demo.outputs / name / "result.json").read_text())
        assert max(result["scores"], key=result["scores"].get) != result["emotion"]
    for name in odd["unparsed_time"]:
        assert "timestamp" not in (demo.outputs / name / "result.json").read_text()
        assert not re.search(r"\d{8}", name)


def test_missing_files_are_missing_and_copies_are_copies(demo) -> None:
    def files(name: str) -> set[str]:
        return {path.name for path in (demo.outputs / name).iterdir()}

    odd = demo.truth.warnings
    assert all(files(n) == {"result.json"} for n in odd["no_embedding"])
    expected = {"result.json", "frame_embeddings.npy"}
    assert all(files(n) == expected for n in odd["embedding_from_frames"])
    assert all("result.json" not in files(n) for n in demo.truth.without_result)
    for copy, original in demo.truth.duplicates.items():
        assert copy > original
        assert digests(demo.outputs / copy) == digests(demo.outputs / original)
