"""Where the files of a recording lie: one small registry of layouts.

A layout looks at one folder's listing and names the recordings in it. The three built in use
the same door as yours: `register(MyLayout())`, or the entry point group `e2vdb.layouts`.
"""

from importlib.metadata import entry_points
from typing import NamedTuple, Protocol

from e2vdb.ingest.names import printable
from e2vdb.ingest.times import is_output_name

EMBEDDING = "embedding.npy"
FRAMES = "frame_embeddings.npy"
RESULT = "result.json"
FRAME_RESULT = "result_frame.json"
AUDIO = "processed_audio.wav"
OUTPUTS = frozenset((EMBEDDING, FRAMES, RESULT, FRAME_RESULT))
OWN_FILES = (EMBEDDING, FRAMES, RESULT, FRAME_RESULT, AUDIO)


class Folder(NamedTuple):
    """One folder of the tree: where it lies, the id that its path gives, and its plain files."""

    path: str
    utterance_id: str
    files: list[str]

    @property
    def name(self) -> str:
        """The last part of the id, where a time may stand."""
        return self.utterance_id.rpartition("/")[2]


class Recording(NamedTuple):
    """The files of one recording, as names in `folder`; None where there is none."""

    utterance_id: str
    folder: str
    name: str
    embedding: str | None = None
    frames: str | None = None
    result: str | None = None
    frame_result: str | None = None
    audio: str | None = None
    shares_folder: bool = False

    @property
    def files(self) -> tuple[str, ...]:
        """The names of all files that the row is made from."""
        names = (self.embedding, self.frames, self.result, self.frame_result, self.audio)
        return tuple([name for name in names if name is not None])


class Layout(Protocol):
    """How one kind of folder holds recordings; instances must be picklable."""

    name: str

    def recordings(self, folder: Folder) -> list[Recording]:
        """Return the recordings in this folder, none where it is of another kind."""
        ...


def _own_files(folder: Folder) -> Recording:
    names = set(folder.files)
    found = [name if name in names else None for name in OWN_FILES]
    embedding, frames, result, frame_result, audio = found
    return Recording(
        folder.utterance_id,
        folder.path,
        folder.name,
        embedding,
        frames,
        result,
        frame_result,
        audio,
    )


class WebuiDirectory:
    """`outputs_YYYYMMDD_HHMMSS/` of the WebUI: a recording even if it turns out to be empty."""

    name = "webui"

    def recordings(self, folder: Folder) -> list[Recording]:
        """Return one recording for a folder with the WebUI's name."""
        if not is_output_name(folder.name):
            return []
        if OUTPUTS.isdisjoint(folder.files) and any(map(_is_npy, folder.files)):
            return []
        return [_own_files(folder)]


class NamedFiles:
    """A folder of any name that holds embedding.npy, frame_embeddings.npy or a result."""

    name = "named files"

    def recordings(self, folder: Folder) -> list[Recording]:
        """Return one recording where at least one of the four outputs is there."""
        return [] if OUTPUTS.isdisjoint(folder.files) else [_own_files(folder)]


class FlatFolder:
    """FunASR's `output_dir`: one `<key>.npy` a recording, with `<key>.json` where users keep it."""

    name = "funasr"

    def recordings(self, folder: Folder) -> list[Recording]:
        """Return one recording for each .npy file; its id is `folder/key`."""
        names = set(folder.files)
        found = []
        for name in sorted(filter(_is_npy, names)):
            key, result = printable(name[:-4]), f"{name[:-4]}.json"
            found.append(
                Recording(
                    f"{folder.utterance_id}/{key}",
                    folder.path,
                    key,
                    embedding=name,
                    result=result if result in names else None,
                    shares_folder=True,
                )
            )
        return found


def _is_npy(name: str) -> bool:
    return name.endswith(".npy") and not name.startswith(".")


_registered: list[Layout] = [WebuiDirectory(), NamedFiles(), FlatFolder()]


def register(layout: Layout) -> None:
    """Add a layout, asked before the built-in ones."""
    _registered.insert(0, layout)


def layouts() -> tuple[Layout, ...]:
    """Return all layouts in the order in which they are asked, installed plug-ins first."""
    plugged = tuple(point.load()() for point in entry_points(group="e2vdb.layouts"))
    return (*plugged, *_registered)


def recordings_in(folder: Folder, asked: tuple[Layout, ...]) -> list[Recording]:
    """Return the recordings that the first fitting layout sees in a folder."""
    for layout in asked:
        if found := layout.recordings(folder):
            return found
    return []
