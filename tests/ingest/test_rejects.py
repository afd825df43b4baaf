"""What cannot be a row is a reject with a code, its path and a sentence; its neighbours stay."""

import os
import socket
from dataclasses import dataclass

import numpy as np
import pytest
from build import frames, npy_bytes, result_document, vector, write_flat, write_npy, write_output

from e2vdb.ingest.files import LocalFiles, unreadable
from e2vdb.ingest.jobs import Known, Place
from e2vdb.ingest.rejects import CODES

NAME = "outputs_20240104_223000"
GOOD = npy_bytes(vector())


def changed(at, value, dtype=np.float32):
    array = vector().astype(dtype)
    array[at] = value
    return array


BROKEN = {
    "truncated": ("unreadable_npy", GOOD[:-1]),
    "empty": ("unreadable_npy", b""),
    "not npy": ("unreadable_npy", b"hello"),
    "zip": ("unreadable_npy", b"PK\x03\x04" + GOOD),
    "pickle": ("unreadable_npy", b"\x80\x04\x95\x00"),
    "object array": ("unreadable_npy", npy_bytes(np.array([None], object), allow_pickle=True)),
    "complex": ("wrong_dtype", vector().astype(np.complex64)),
    "text": ("wrong_dtype", vector().astype("U8")),
    "integers": ("wrong_dtype", np.ones(1024, np.int64)),
    "768": ("wrong_dimension", vector(dimension=768)),
    "frames of 768": ("wrong_dimension", frames(3, dimension=768)),
    "scalar": ("wrong_dimension", np.float32(1)),
    "three axes": ("wrong_dimension", np.ones((1, 1, 1024), np.float32)),
    "no values": ("wrong_dimension", np.ones((0, 1024), np.float32)),
    "NaN": ("not_finite", changed(5, np.nan)),
    "NaN among infinities": ("not_finite", changed([0, 1], [np.inf, np.nan])),
    "infinity": ("not_finite", changed(5, -np.inf)),
    "past float32": ("not_finite", changed(5, 1e300, np.float64)),
    "squares past float32": ("not_finite", changed(5, 3e38)),
    "zeros": ("all_zero", np.zeros(1024, np.float32)),
    "negative zeros": ("all_zero", -np.zeros(1024, np.float32)),
    "frames with NaN": ("not_finite", np.where(np.eye(3, 1024) > 0, np.nan, 1).astype(np.float32)),
    "frames of zeros": ("all_zero", np.zeros((3, 1024), np.float32)),
}


@pytest.mark.parametrize(("code", "data"), BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("layout", ["embedding.npy", "frame_embeddings.npy", "flat"])
def test_broken_vectors(root, read, layout, code, data):
    write_output(root, "good", seed=7)
    if layout == "flat":
        folder = write_flat(root, "call", {"utt1": data, "good": vector(3)})
        path, utterance_id, kept = folder / "utt1.npy", "call/utt1", {"good", "call/good"}
    else:
        folder = write_output(root, "call", embedding=None)
        path, utterance_id, kept = write_npy(folder / layout, data), "call", {"good"}
    tree = read(root)
    reject = tree.rejects[utterance_id]
    assert (reject.code, reject.path, reject.source_dir) == (code, str(path), str(folder))
    assert reject.code in CODES
    assert reject.detail
    assert "Traceback" not in reject.detail
    assert set(tree.rows) == kept


def test_bad_json_rejects_the_directory(root, read):
    folder = write_output(root, "call", result=b"{")
    reject = read(root).rejects["call"]
    assert (reject.code, reject.path) == ("bad_json", str(folder / "result.json"))
    write_output(root, "call", result=result_document(), result_frame=b"[")
    reject = read(root).rejects["call"]
    assert (reject.code, reject.path) == ("bad_json", str(folder / "result_frame.json"))


def test_a_vector_longer_than_the_first_block_is_read_whole(root, read):
    write_output(root, "call", dimension=40_000)
    row = read(root, dimension=40_000).rows["call"]
    np.testing.assert_array_equal(row["embedding"], vector(dimension=40_000))
    write_npy(root / "call" / "embedding.npy", npy_bytes(vector(dimension=40_000))[:-1])
    assert read(root, dimension=40_000).codes == {"call": "unreadable_npy"}


def test_id_conflict_with_another_root_names_it_and_the_remedy(root, read):
    write_output(root, NAME)
    known = {NAME: Known("another hash", "/elsewhere/outputs")}
    reject = read(root, known=known).rejects[NAME]
    assert reject.code == "id_conflict"
    assert "/elsewhere/outputs" in reject.detail
    assert "--source" in reject.detail


def test_the_same_content_from_another_root_is_no_conflict(root, read):
    write_output(root, NAME)
    content = read(root).rows[NAME]["content_hash"]
    tree = read(root, known={NAME: Known(content, "/elsewhere/outputs")})
    assert (tree.rejects, tree.rows, tree.unchanged) == ({}, {}, 1)


def test_a_flat_key_and_a_folder_of_one_id_are_a_conflict(root, read):
    write_flat(root, "day", {"call": vector(1), "other": vector(2)})
    write_output(root, "day/call", seed=3)
    tree = read(root)
    assert tree.codes == {"day/call": "id_conflict"}
    assert set(tree.rows) == {"day/call", "day/other"}
    np.testing.assert_array_equal(tree.rows["day/call"]["embedding"], vector(3))


@dataclass(frozen=True, slots=True)
class Denying(LocalFiles):
    """A disk that refuses one path, as permissions do to those who are not root."""

    denied: str = ""

    def list(self, path):
        return self._allowed(path) or super(Denying, self).list(path)

    def read(self, path, limit):
        return self._allowed(path) or super(Denying, self).read(path, limit)

    def _allowed(self, path):
        if path.endswith(self.denied):
            raise unreadable(path, PermissionError(13, "Permission denied"))


@pytest.mark.parametrize("denied", ["call/embedding.npy", "call/result.json", "/call"])
def test_unreadable_file(root, read, denied):
    write_output(root, "call")
    write_output(root, "good")
    tree = read(root, files=Denying(str(root), denied))
    reject = tree.rejects["call"]
    assert reject.code == "unreadable_file"
    assert reject.path.endswith(denied)
    assert "permission denied" in reject.detail
    assert set(tree.rows) == {"good"}


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_permissions_of_the_real_disk(root, read):
    (write_output(root, "call") / "embedding.npy").chmod(0)
    (write_output(root, "shut")).chmod(0)
    try:
        assert read(root).codes == {"call": "unreadable_file", "shut": "unreadable_file"}
    finally:
        (root / "shut").chmod(0o700)


def test_a_directory_that_vanished_is_named(root, read):
    gone = str(root / "gone")
    tree = read(root, folders=(Place(gone, "gone"),))
    assert tree.codes == {"gone": "unreadable_file"}
    assert tree.rejects["gone"].path == gone


@dataclass(frozen=True, slots=True)
class Vanishing(LocalFiles):
    """A disk on which the files go while they are read."""

    def read(self, path, limit):
        os.unlink(path)
        return super(Vanishing, self).read(path, limit)


def test_files_that_vanish_between_listing_and_reading(root, read):
    write_output(root, "call")
    write_flat(root, "flat", {"utt1": vector()})
    tree = read(root, files=Vanishing(str(root)))
    assert tree.codes == {"call": "unreadable_file", "flat/utt1": "unreadable_file"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipes_and_sockets_do_not_hold_up_the_reading(root, read, monkeypatch):
    for name in ("embedding.npy", "frame_embeddings.npy", "result.json", "result_frame.json"):
        (root / f"pipe {name}").mkdir()
        os.mkfifo(root / f"pipe {name}" / name)
    (root / "socket").mkdir()
    monkeypatch.chdir(root / "socket")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("embedding.npy")
        codes = read(root).codes
    assert codes == {
        "pipe embedding.npy": "unreadable_npy",
        "pipe frame_embeddings.npy": "unreadable_npy",
        "pipe result.json": "bad_json",
        "pipe result_frame.json": "bad_json",
        "socket": "unreadable_file",
    }


def test_a_pipe_beside_a_good_vector_as_audio(root, read):
    os.mkfifo(write_output(root, "call") / "processed_audio.wav")
    assert read(root).rows["call"]["duration_s"] is None


def test_directories_named_as_files_are_folders(root, read):
    write_output(root, "call/embedding.npy", seed=1)
    (root / "other" / "result.json").mkdir(parents=True)
    (root / NAME / "embedding.npy").mkdir(parents=True)
    tree = read(root)
    assert list(tree.rows) == ["call/embedding.npy"]
    assert tree.codes == {NAME: "empty_directory"}


def test_a_folder_with_the_name_of_a_flat_key_that_is_no_output_is_no_conflict(root, read):
    write_flat(root, "day", {"call": vector(1)})
    write_flat(root, "day/call", {"other": vector(2)})
    (root / "day" / "call" / "notes").mkdir()
    tree = read(root)
    assert set(tree.rows) == {"day/call", "day/call/other"}
    assert not tree.rejects


@pytest.mark.parametrize("prefix", ["", "north/"])
def test_the_roots_own_files_and_a_folder_named_like_the_root_give_no_id_twice(root, read, prefix):
    write_flat(root, ".", {"utt1": vector(1), "utt2": vector(2), "utt3": vector(3)})
    write_output(root, "outputs/utt1", seed=4)
    write_flat(root, "outputs", {"utt2": vector(5)})
    folders = (Place(str(root), f"{prefix}outputs"),)
    tree = read(root, prefix=prefix, folders=folders)
    assert set(tree.rows) == {f"{prefix}outputs/utt{i}" for i in (1, 2, 3)}
    assert set(tree.codes) == {f"{prefix}outputs/utt{i}" for i in (1, 2)}
    assert set(tree.codes.values()) == {"id_conflict"}
    for i, seed in ((1, 4), (2, 5), (3, 3)):
        np.testing.assert_array_equal(
            tree.rows[f"{prefix}outputs/utt{i}"]["embedding"], vector(seed)
        )


def test_a_root_that_is_an_output_and_a_folder_of_its_name(root, read):
    write_npy(root / "embedding.npy", vector(1))
    write_output(root, "outputs", seed=2)
    tree = read(root)
    assert tree.codes == {"outputs": "id_conflict"}
    np.testing.assert_array_equal(tree.rows["outputs"]["embedding"], vector(2))
