"""File events, polling, and which of them a drive needs."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from build import vector, write_flat, write_npy, write_output

from e2vdb.watch import notice
from e2vdb.watch.drives import network_kind
from e2vdb.watch.notice import EventSource, Noticed, PollSource, open_source


def collect(wait: Callable[[], Noticed], enough: Callable[[Noticed], bool]) -> Noticed:
    total = Noticed()
    for _ in range(200):
        found = wait()
        total.new |= found.new
        total.changed |= found.changed
        if enough(total):
            return total
    raise AssertionError(total)


def test_events(tmp_path: Path) -> None:
    source = EventSource(tmp_path.resolve(), threading.Event())
    try:
        plain = write_output(tmp_path, "outputs_20240104_223000")
        write_output(tmp_path, ".hidden")
        (tmp_path / ".part").mkdir()
        write_output(tmp_path / ".part", "outputs_20240104_223001")
        moved = tmp_path / "outputs_20240104_223001"
        (tmp_path / ".part" / moved.name).rename(moved)
        wanted = {str(plain), str(moved)}
        found = collect(lambda: source.wait(0.2), lambda one: wanted <= one.new | one.changed)
        assert not any("/." in path for path in found.new | found.changed)
        (moved / "frame_embeddings.npy").write_bytes(b"")
        (plain / "result.json").unlink()
        collect(lambda: source.wait(0.2), lambda one: wanted <= one.changed)
    finally:
        source.close()


def test_polling(tmp_path: Path) -> None:
    write_output(tmp_path, "outputs_20240104_223000")
    write_output(tmp_path / "team", "outputs_20240104_223001")
    flat = write_flat(tmp_path, "flat", {"a": vector(1)})
    source = PollSource(tmp_path, threading.Event(), poll_s=0.0)
    assert source.look().new == set()  # what was there is the first sweep's
    one = write_output(tmp_path, "outputs_20240104_223002")
    two = write_output(tmp_path / "team", "outputs_20240104_223003")
    tree = write_output(tmp_path / "new" / "day", "outputs_20240104_223004")
    write_npy(flat / "b.npy", vector(2))
    write_output(tmp_path, ".part")
    found = source.look()
    assert found.new == {str(one), str(two), str(tmp_path / "new")}
    assert found.changed == {str(flat)}
    later = write_output(tree.parent, "outputs_20240104_223005")
    assert str(later) in source.look().new
    one.rename(tmp_path / "renamed")
    assert str(tmp_path / "renamed") in source.look().new
    (tmp_path / "call").mkdir()
    source.look()
    write_output(tmp_path, "call")
    assert str(tmp_path / "call") in source.look().changed


def test_polling_waits_and_stops(tmp_path: Path) -> None:
    stop = threading.Event()
    source = PollSource(tmp_path, stop, poll_s=3600.0)
    assert source.wait(0.0) == Noticed()
    stop.set()
    assert source.wait(3600.0) == Noticed()


def test_polling_where_there_are_no_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError('OS file watch limit reached. about ["/x"]')

    said: list[str] = []
    monkeypatch.setattr(notice, "EventSource", refuse)
    source = open_source(tmp_path, threading.Event(), poll=False, say=said.append)
    assert source.polls
    assert "file watch limit reached" in said[0]
    assert said[0].endswith("polling.")
    assert open_source(tmp_path, threading.Event(), poll=True, say=said.append).polls
    assert len(said) == 1


def test_network_drives_are_polled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/sda1 / ext4 rw 0 0\n//nas/x /mnt/nas cifs rw 0 0\n"
        "nas:/y /mnt/two\\040words nfs4 rw 0 0\n/dev/sdb /mnt/nas/disk xfs rw 0 0\nodd\n"
    )
    kinds = {
        "/mnt/nas": "cifs",
        "/mnt/nas/outputs": "cifs",
        "/mnt/nas/disk/outputs": None,
        "/mnt/nasty": None,
        "/mnt/two words/a": "nfs4",
        "/home": None,
    }
    assert {path: network_kind(Path(path), mounts) for path in kinds} == kinds
    assert network_kind(Path("/x"), tmp_path / "none") is None
    said: list[str] = []
    monkeypatch.setattr(notice, "network_kind", lambda _: "cifs")
    assert open_source(tmp_path, threading.Event(), poll=False, say=said.append).polls
    assert "network drive (cifs)" in said[0]
