"""Links are not followed out of the root, and file times tell what need not be read again."""

import os
import time

import numpy as np
import pytest
from build import frames, result_document, vector, write_flat, write_json, write_npy, write_output

from e2vdb.ingest import batches
from e2vdb.ingest.files import LocalFiles

NAME = "outputs_20240104_223000"


@pytest.fixture
def outside(tmp_path):
    return write_output(tmp_path / "private", "call", seed=99)


@pytest.fixture
def settled(root, read):
    """A tree whose files are older than a clock tick, and what a first visit knows of it."""

    def settle():
        old = time.time_ns() - 10**10
        for folder, _, names in os.walk(root, topdown=False):
            for path in (*[os.path.join(folder, name) for name in names], folder):
                os.utime(path, ns=(old, old))
        time.sleep(batches.CLOCK_TICK_NS / 1e9)  # the time of the change itself cannot be set
        return read(root)

    return settle


def test_links_out_of_the_root_are_counted_and_left_alone(root, read, outside):
    (root / "linked folder").symlink_to(outside, target_is_directory=True)
    write_output(root, "call", embedding=None)
    (root / "call" / "embedding.npy").symlink_to(outside / "embedding.npy")
    (root / NAME).mkdir()
    (root / NAME / "result.json").symlink_to("../../private/call/result.json")
    (root / "flat").mkdir()
    (root / "flat" / "utt1.npy").symlink_to(outside / "embedding.npy")
    tree = read(root)
    assert tree.rows["call"]["embedding"] is None
    assert set(tree.rows) == {"call"}
    assert tree.codes == {NAME: "empty_directory"}
    assert tree.links == 4


def test_a_chain_of_links_that_ends_outside_is_not_followed(root, read, outside):
    write_output(root, "call", embedding=None)
    (root / "middle").symlink_to(outside / "embedding.npy")
    (root / "call" / "embedding.npy").symlink_to(root / "middle")
    assert read(root).rows["call"]["embedding"] is None


def test_a_neighbour_whose_name_begins_like_the_root_is_outside(root, read):
    twin = write_output(root.parent, "outputs_twin/call", seed=5)
    write_output(root, "call", embedding=None)
    (root / "call" / "embedding.npy").symlink_to(twin / "embedding.npy")
    assert read(root).rows["call"]["embedding"] is None


def test_links_to_files_inside_are_read(root, read):
    write_output(root, "first", seed=1)
    write_output(root, "second", embedding=None)
    (root / "second" / "embedding.npy").symlink_to("../first/embedding.npy")
    tree = read(root)
    np.testing.assert_array_equal(tree.rows["second"]["embedding"], vector(1))
    assert tree.links == 0


def test_links_to_folders_inside_and_loops_and_dead_links(root, read):
    write_output(root, "call")
    (root / "again").symlink_to("call")
    (root / "call" / "up").symlink_to("..")
    (root / "loop").symlink_to("loop")
    (root / "call" / "frame_embeddings.npy").symlink_to("gone.npy")
    tree = read(root)
    assert list(tree.rows) == ["call"]
    assert tree.links == 4


def test_a_root_below_a_link_is_read_by_its_real_path(root, read, tmp_path):
    write_output(root, "call")
    link = tmp_path / "link"
    link.symlink_to(root)
    assert read(link).rows["call"]["source_dir"] == str(root.resolve() / "call")


def test_an_untouched_directory_is_neither_listed_nor_read(root, settled, read):
    class Stubborn(LocalFiles):
        def list(self, path):
            assert path == self.root, f"listed {path}"
            return super().list(path)

        def read(self, path, limit):
            raise AssertionError(f"read {path}")

    write_output(root, NAME, audio_s=0.1, frame_embeddings=frames(3))
    write_output(root, "a call")
    first = settled()
    assert set(first.rows) == {NAME, "a call"}
    again = read(root, known=first.known, files=Stubborn(str(root)))
    assert (again.unchanged, again.rows, again.rejects) == (2, {}, {})
    assert not [stamp for reading in again.readings for stamp in reading.stamps]


def test_an_untouched_flat_folder_is_listed_but_not_read(root, settled, read):
    class Unread(LocalFiles):
        def read(self, path, limit):
            raise AssertionError(f"read {path}")

    write_flat(root, "flat", {"utt1": vector(1), "utt2": vector(2)})
    first = settled()
    assert read(root, known=first.known, files=Unread(str(root))).unchanged == 2


def test_a_touched_directory_is_read_and_found_unchanged(root, settled, read):
    write_output(root, NAME)
    first = settled()
    os.utime(root / NAME / "result.json")
    again = read(root, known=first.known)
    assert (again.unchanged, again.rows) == (1, {})
    assert again.readings[-1].stamps


CHANGES = {
    "vector": lambda folder: write_npy(folder / "embedding.npy", vector(8)),
    "result": lambda folder: write_json(folder / "result.json", result_document("angry")),
    "result added": lambda folder: write_json(folder / "result_frame.json", {"frames": []}),
    "frames added": lambda folder: write_npy(folder / "frame_embeddings.npy", frames(3)),
    "result removed": lambda folder: (folder / "result.json").unlink(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_directory_replaces_its_row(root, settled, read, change):
    folder = write_output(root, NAME)
    first = settled()
    change(folder)
    again = read(root, known=first.known)
    assert again.updated == [NAME]
    assert again.rows[NAME]["content_hash"] != first.rows[NAME]["content_hash"]


def test_the_same_size_and_time_with_other_content_is_seen(root, settled, read):
    """A careful forger sets the old time again; the time of the change itself tells."""
    folder = write_output(root, NAME)
    first = settled()
    path = folder / "embedding.npy"
    before = path.stat()
    with path.open("r+b") as stream:
        stream.seek(200)
        stream.write(b"\x00\x00\x00\x3f")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert read(root, known=first.known).updated == [NAME]


@pytest.mark.parametrize("ahead_ns", [0, 3_600_000_000_000])
def test_times_of_this_very_moment_or_the_future_are_not_trusted(root, read, monkeypatch, ahead_ns):
    """A later write within the same clock tick would leave the same times behind."""
    folder = write_output(root, NAME)
    latest = LocalFiles(str(root)).stamp([str(folder), str(folder / "embedding.npy")])[1]
    monkeypatch.setattr(batches.time, "time_ns", lambda: latest - ahead_ns)
    tree = read(root)
    stamps = [stamp for reading in tree.readings for stamp in reading.stamps]
    assert all((one.stamp, one.files) == (0, 0) for one in stamps)
    write_npy(folder / "embedding.npy", vector(8))
    assert read(root, known=tree.known).updated == [NAME]


def test_another_frames_mode_reads_the_frames_anew(root, settled, read):
    write_output(root, NAME, frame_embeddings=frames(3))
    first = settled()
    assert read(root, known=first.known, frames="none").updated == [NAME]


def test_reread_reads_everything(root, settled, read):
    write_output(root, NAME)
    first = settled()
    assert set(read(root, known=first.known, reread=True).rows) == {NAME}


def test_stamps_are_the_same_in_every_process_and_tell_files_apart(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_bytes(b"1")
    b.write_bytes(b"1")
    files = LocalFiles(str(tmp_path))
    assert files.stamp([str(a)]) == files.stamp([str(a)])
    assert files.stamp([str(a)])[0] != files.stamp([str(b)])[0]
    assert files.stamp([str(a), str(b)])[0] != files.stamp([str(b), str(a)])[0]


@pytest.mark.parametrize("limit", [0, 1, 65_535, 65_536, 65_537, 200_000, 10**9])
@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 131_072, 150_000])
def test_read_returns_the_first_bytes(tmp_path, size, limit):
    path = tmp_path / "file"
    data = os.urandom(size)
    path.write_bytes(data)
    assert LocalFiles(str(tmp_path)).read(str(path), limit) == data[:limit]


@pytest.mark.parametrize("mode", ["full", "distilled", "none"])
def test_another_number_of_frames_is_a_change_in_every_mode(root, settled, read, mode):
    folder = write_output(root, NAME, frame_embeddings=frames(3))
    settled()
    first = read(root, frames=mode)
    write_npy(folder / "frame_embeddings.npy", frames(4))
    again = read(root, known=first.known, frames=mode)
    assert again.updated == [NAME]
    assert again.rows[NAME]["n_frames"] == 4
