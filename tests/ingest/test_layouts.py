"""Every layout in which outputs lie on a disk becomes rows with the ids that analysts use."""

import pickle
from datetime import datetime

import numpy as np
import pytest
from build import frames, result_document, vector, write_flat, write_json, write_npy, write_output

from e2vdb.ingest import layouts as registry
from e2vdb.ingest.layouts import Folder, Recording

NAME = "outputs_20240104_223000"


def test_webui_directory(root, read):
    folder = write_output(root, NAME, audio_s=1.5)
    row = read(root).rows[NAME]
    assert row["source_dir"] == str(folder)
    assert row["recorded_at"] == datetime(2024, 1, 4, 22, 30)
    assert row["recognized_at"] == datetime(2024, 1, 4, 22, 31)
    assert (row["emotion"], row["emotion_raw"], row["granularity"]) == (
        "happy",
        "happy",
        "utterance",
    )
    assert row["confidence"] == pytest.approx(0.6)
    assert (row["duration_s"], row["sample_rate"], row["n_frames"]) == (1.5, 16_000, None)
    assert row["result"] == (folder / "result.json").read_text("utf-8")
    np.testing.assert_array_equal(row["embedding"], vector())
    assert row["norm"] == pytest.approx(np.linalg.norm(vector().astype(np.float64)))
    assert row["warnings"] == []


@pytest.mark.parametrize("kept", ["embedding", "frame_embeddings", "result", "result_frame"])
def test_any_one_named_file_makes_a_directory_of_any_name_an_output(root, read, kept):
    parts = {
        "embedding": vector(),
        "frame_embeddings": frames(3),
        "result": result_document(),
        "result_frame": {"granularity": "frame", "frames": []},
    }
    nothing = dict.fromkeys(parts)
    write_output(root, "a call of Monday", **{**nothing, kept: parts[kept]})
    assert list(read(root).rows) == ["a call of Monday"]


def test_audio_alone_is_no_output(root, read):
    write_output(root, "call", embedding=None, result=None, audio_s=0.1)
    tree = read(root)
    assert not tree.rows
    assert not tree.rejects


def test_nested_directories_have_paths_as_ids(root, read):
    write_output(root, "2024/january/call", seed=1)
    write_output(root, f"2024/{NAME}", seed=2)
    write_output(root, f"2024/{NAME}/again/{NAME}", seed=3)
    assert set(read(root).rows) == {
        "2024/january/call",
        f"2024/{NAME}",
        f"2024/{NAME}/again/{NAME}",
    }


def test_root_is_an_output_itself(root, read):
    write_output(root, NAME)
    tree = read(root / NAME)
    assert list(tree.rows) == [NAME]
    assert tree.rows[NAME]["recorded_at"] == datetime(2024, 1, 4, 22, 30)


def test_prefix_starts_every_id(root, read):
    write_output(root, NAME)
    assert list(read(root, prefix="north/").rows) == [f"north/{NAME}"]


def test_flat_funasr_folder(root, read):
    write_flat(root, "funasr", {"utt1": vector(1), "utt2": frames(4, 2), "a.b": vector(3)})
    write_json(
        root / "funasr" / "utt1.json", [{"key": "utt1", "labels": ["难过/sad"], "scores": [1.0]}]
    )
    write_json(root / "funasr" / "other.json", {"emotion": "angry"})
    tree = read(root)
    assert set(tree.rows) == {"funasr/utt1", "funasr/utt2", "funasr/a.b"}
    assert tree.rows["funasr/utt1"]["emotion"] == "sad"
    assert tree.rows["funasr/utt2"]["emotion"] is None
    assert tree.rows["funasr/utt2"]["n_frames"] == 4
    assert tree.rows["funasr/utt1"]["source_dir"] == str(root / "funasr")


def test_root_is_a_flat_folder(root, read):
    write_npy(root / "utt1.npy", vector(1))
    assert list(read(root).rows) == ["outputs/utt1"]


def test_webui_name_around_flat_files_is_a_flat_folder(root, read):
    write_flat(root, NAME, {"utt1": vector(1)})
    tree = read(root)
    assert list(tree.rows) == [f"{NAME}/utt1"]
    assert not tree.rejects


def test_foreign_files_and_folders_are_passed_over(root, read):
    write_output(root, NAME)
    for name in (
        "notes.txt",
        f"{NAME}/thumbs.db",
        f"{NAME}/._embedding.npy",
        "mail/a.eml",
        ".git/HEAD",
    ):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"\x00\x01 whatever")
    (root / "empty").mkdir()
    (root / "flat").mkdir()
    write_npy(root / "flat" / "._utt.npy", b"resource fork of a Mac")
    tree = read(root)
    assert list(tree.rows) == [NAME]
    assert not tree.rejects


def test_named_files_win_over_flat_ones_in_the_same_folder(root, read):
    folder = write_output(root, "mixed")
    write_npy(folder / "spare.npy", vector(9))
    tree = read(root)
    assert list(tree.rows) == ["mixed"]
    np.testing.assert_array_equal(tree.rows["mixed"]["embedding"], vector())


@pytest.mark.parametrize("name", ["embedding.npy", "frame_embeddings.npy"])
@pytest.mark.parametrize("shape", [(1024,), (1, 1024), (5, 1024)])
def test_shape_decides_between_utterance_and_frames(root, read, name, shape):
    array = vector().reshape(shape) if np.prod(shape) == 1024 else frames(5)
    folder = write_output(root, "call", embedding=None)
    write_npy(folder / name, array)
    tree = read(root)
    row = tree.rows["call"]
    is_frames = shape[0] == 5
    assert row["n_frames"] == (5 if is_frames else None)
    assert ("embedding_from_frames" in row["warnings"]) is is_frames
    expected = array.astype(np.float64).reshape(-1, 1024).mean(axis=0)
    np.testing.assert_allclose(row["embedding"], expected, rtol=1e-6, atol=1e-7)
    assert set(tree.frames) == ({"call"} if is_frames else set())


def test_names_that_are_not_utf8_or_odd_become_text(root, read):
    odd = b"caf\xe9".decode("utf-8", "surrogateescape")
    try:
        write_output(root, odd, seed=1)
        write_flat(root, "flat", {odd: vector(2)})
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    write_output(root, "呼叫 📞\nsecond line", seed=3)
    assert set(read(root).rows) == {r"caf\xe9", r"flat/caf\xe9", "呼叫 📞\nsecond line"}


class SessionFiles:
    """A stranger's layout: `<name>.emb` files beside one another."""

    name = "session"

    def recordings(self, folder: Folder) -> list[Recording]:
        return [
            Recording(f"{folder.utterance_id}#{name}", folder.path, name, embedding=name)
            for name in folder.files
            if name.endswith(".emb")
        ]


def test_registered_layouts_are_asked_first(root, read, monkeypatch):
    monkeypatch.setattr(registry, "_registered", list(registry._registered))
    registry.register(SessionFiles())
    (root / "day").mkdir()
    write_npy(root / "day" / "a.emb", vector(1))
    write_npy(root / "day" / "embedding.npy", vector(2))
    write_output(root, NAME)
    tree = read(root, layouts=pickle.loads(pickle.dumps(registry.layouts())))
    assert set(tree.rows) == {"day#a.emb", NAME}


@pytest.mark.parametrize("name", [NAME, f"{NAME}_2"])
def test_a_webui_name_without_outputs_is_an_empty_directory(root, read, name):
    (root / name).mkdir()
    assert read(root).codes == {name: "empty_directory"}


@pytest.mark.parametrize(
    "name", ["outputs", "outputs_2024", f"my_{NAME}", f"{NAME}\n", f"{NAME}.bak"]
)
def test_other_names_without_outputs_are_nothing(root, read, name):
    (root / name).mkdir()
    assert not read(root).rejects
