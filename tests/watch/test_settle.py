"""A directory is finished when its files stand still, or when it was renamed whole."""

import os
from pathlib import Path

import pytest
from build import npy_bytes, vector, write_flat, write_output

from e2vdb.ingest.layouts import layouts
from e2vdb.watch.settle import EMPTY_S, FLAT_S, Settler, look


class Clock:
    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settler(clock: Clock) -> Settler:
    """Files were changed just now, whatever the test's clock says."""
    return Settler(1.0, clock=clock, now=lambda: 0.0)


def after(clock: Clock, seconds: float, settler: Settler) -> list[str]:
    clock.s += seconds
    return settler.finished(100)


def test_still_for_a_while(settler: Settler, clock: Clock, tmp_path: Path) -> None:
    folder = str(write_output(tmp_path))
    settler.notice([folder])
    assert settler.finished(100) == []
    assert after(clock, 0.9, settler) == []
    assert after(clock, 0.2, settler) == [folder]
    assert len(settler) == 0
    assert settler.wait_s() is None


def test_what_grows_slowly_is_not_read_half(settler: Settler, clock: Clock, tmp_path: Path) -> None:
    folder = tmp_path / "outputs_20240104_223000"
    folder.mkdir()
    settler.notice([str(folder)])
    data = npy_bytes(vector(1).reshape(1, -1))
    for end in range(0, len(data), 200):
        (folder / "embedding.npy").write_bytes(data[:end])
        assert after(clock, 0.8, settler) == []
    (folder / "embedding.npy").write_bytes(data)
    assert after(clock, 0.8, settler) == []
    (folder / "result.json").write_text("{}")
    assert after(clock, 0.8, settler) == []
    settler.notice([str(folder)])  # as the file's event does
    assert settler.finished(100) == []
    assert after(clock, 1.1, settler) == [str(folder)]


def test_times_count_as_well_as_sizes(settler: Settler, clock: Clock, tmp_path: Path) -> None:
    folder = write_output(tmp_path)
    settler.notice([str(folder)])
    for nanosecond in range(3):
        os.utime(folder / "result.json", ns=(1, nanosecond))
        assert after(clock, 0.9, settler) == []
    assert after(clock, 1.1, settler) == [str(folder)]


def test_renamed_into_place_counts_at_once(settler: Settler, tmp_path: Path) -> None:
    part = write_output(tmp_path / ".part")
    os.utime(part, ns=(1, 1))  # as if the rename came a tick later than the last file
    target = tmp_path / part.name
    part.rename(target)
    settler.notice([str(target)])
    assert settler.finished(100) == [str(target)]


def test_a_whole_tree_renamed_into_place(settler: Settler, clock: Clock, tmp_path: Path) -> None:
    inside = write_output(tmp_path / ".part" / "day" / "team")
    (tmp_path / ".part" / "day").rename(tmp_path / "day")
    settler.notice([str(tmp_path / "day")], below=True)
    for _ in range(4):
        settler.finished(100)
    assert after(clock, 1.1, settler) == [str(tmp_path / "day" / "team" / inside.name)]


def test_old_files_were_finished_before(clock: Clock, tmp_path: Path) -> None:
    folder = str(write_output(tmp_path))
    settler = Settler(1.0, clock=clock, now=lambda: os.stat(folder).st_mtime + 3600)
    settler.notice([folder])
    assert settler.finished(100) == [folder]


def test_recognition_takes_longer_than_writing(
    settler: Settler, clock: Clock, tmp_path: Path
) -> None:
    """A directory without any output yet is waited for, then handed on to be rejected."""
    folder = write_output(tmp_path, embedding=None, result=None, audio_s=1.0)
    settler.notice([str(folder)])
    for _ in range(100):
        assert after(clock, 5.0, settler) == []
    clock.s += EMPTY_S
    assert settler.finished(100) == [str(folder)]


def test_a_folder_of_many_recordings_is_visited_while_it_is_written_to(
    settler: Settler, clock: Clock, tmp_path: Path
) -> None:
    folder = tmp_path / "flat"
    done: list[str] = []
    for number in range(30):
        write_flat(tmp_path, "flat", {f"call_{number}": vector(number)})
        settler.notice([str(folder)])
        done += after(clock, 0.5, settler)
    assert done == [str(folder)]
    assert FLAT_S < 30 * 0.5


def test_what_is_no_recording_is_forgotten(settler: Settler, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "readme.txt").write_text("x")
    settler.notice([str(tmp_path / "notes"), str(tmp_path / "gone"), str(tmp_path)])
    assert settler.finished(100) == []
    assert len(settler) == 0


def test_no_more_than_asked(settler: Settler, clock: Clock, tmp_path: Path) -> None:
    folders = [str(write_output(tmp_path, f"outputs_20240104_22300{i}")) for i in range(5)]
    settler.notice(folders)
    settler.finished(100)
    clock.s += 2
    assert settler.finished(2) == folders[:2]
    assert settler.finished(100) == folders[2:]


def test_hidden_folders_are_not_looked_into(tmp_path: Path) -> None:
    write_output(tmp_path / "a")
    write_output(tmp_path, ".part")
    found = look(str(tmp_path), layouts())
    assert found is not None
    assert found.folders == (str(tmp_path / "a"),)


def test_a_link_that_leads_nowhere(settler: Settler, clock: Clock, tmp_path: Path) -> None:
    folder = write_output(tmp_path)
    (folder / "processed_audio.wav").symlink_to(tmp_path / "none")
    settler.notice([str(folder)])
    settler.finished(100)
    assert after(clock, 1.1, settler) == [str(folder)]


def test_a_folder_that_cannot_be_read_is_handed_on(
    settler: Settler, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: str) -> None:
        raise PermissionError(13, "Permission denied")

    folder = str(write_output(tmp_path))
    monkeypatch.setattr("e2vdb.watch.settle.os.scandir", refuse)
    settler.notice([folder])
    assert settler.finished(100) == []
    assert after(clock, 1.1, settler) == [folder]


def test_how_long_the_oldest_has_waited(settler: Settler, clock: Clock, tmp_path: Path) -> None:
    assert settler.oldest_s() == 0.0
    settler.notice([str(write_output(tmp_path))])
    clock.s += 5
    settler.notice([str(write_output(tmp_path, "outputs_20240104_223001"))])
    assert settler.oldest_s() == 5.0
