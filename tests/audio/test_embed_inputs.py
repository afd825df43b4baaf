"""Files, folders, patterns and lists on the command line."""

import os
from pathlib import Path

import pytest

from e2vdb.audio.inputs import recordings
from e2vdb.errors import InputError


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """Files whose names alone matter here."""
    folder = tmp_path / "calls"
    for name in (
        "b.wav",
        "a.WAV",
        "notes.doc",
        "deep/c.mp3",
        "deep/d.m4a",
        ".hidden.wav",
        ".trash/e.wav",
        "outputs_20240104_223000/processed_audio.wav",
        "outputs_20240104_223000/result.json",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


def names(folder: Path, *words: Path | str) -> list[str]:
    return [str(one.relative_to(folder)) for one in recordings(words)]


def test_a_folder_means_the_recordings_below_it(calls):
    assert names(calls, calls) == ["a.WAV", "b.wav", "deep/c.mp3", "deep/d.m4a"]


def test_an_output_folder_is_not_heard_again(calls):
    assert names(calls, calls / "outputs_20240104_223000") == []


def test_a_file_is_taken_whatever_its_name(calls):
    assert names(calls, calls / "notes.doc") == ["notes.doc"]
    inside = calls / "outputs_20240104_223000" / "processed_audio.wav"
    assert recordings([inside]) == [inside]


def test_patterns_that_the_shell_left(calls):
    assert names(calls, f"{calls}/*.wav") == ["b.wav"]
    assert names(calls, f"{calls}/**/*.m*") == ["deep/c.mp3", "deep/d.m4a"]
    assert names(calls, f"{calls}/d*") == ["deep/c.mp3", "deep/d.m4a"]
    with pytest.raises(InputError, match="Nothing matches"):
        recordings([f"{calls}/*.flac"])


def test_a_name_with_brackets_is_no_pattern_where_it_exists(calls):
    odd = calls / "call[1].wav"
    odd.write_bytes(b"")
    assert recordings([odd]) == [odd]


def test_each_recording_once_in_the_order_given(calls):
    (calls / "link.wav").symlink_to(calls / "b.wav")
    words = [calls / "b.wav", calls, calls / "deep" / ".." / "b.wav", calls / "link.wav"]
    assert names(calls, *words) == ["b.wav", "a.WAV", "deep/c.mp3", "deep/d.m4a"]


def test_what_does_not_exist_is_for_the_summary(calls):
    assert names(calls, calls / "gone.wav") == ["gone.wav"]


def test_lists(calls, monkeypatch):
    monkeypatch.chdir(calls)
    listing = calls / "list.txt"
    listing.write_text("\ufeff# a remark\nb.wav\r\n\n  deep/c.mp3  \ngone.wav\n", "utf-8")
    assert names(calls, listing) == ["b.wav", "deep/c.mp3", "gone.wav"]
    kaldi = calls / "wav.scp"
    kaldi.write_text(f"utt1 {calls / 'b.wav'}\nutt2\t{calls / 'deep' / 'd.m4a'}\n")
    assert names(calls, kaldi) == ["b.wav", "deep/d.m4a"]
    listing.write_text("wav.scp\n")
    with pytest.raises(InputError, match="names another list"):
        recordings([listing])


def test_paths_are_absolute_whatever_the_current_folder(calls, monkeypatch):
    monkeypatch.chdir(calls)
    assert recordings(["b.wav"]) == [Path(os.path.abspath("b.wav"))]
