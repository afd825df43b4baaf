"""Reading is a pure function of picklable arguments: the same rows here and in another process."""

import multiprocessing
import pickle

import pytest
from build import frames, vector, write_flat, write_npy, write_output, write_outputs

from e2vdb.ingest import batches
from e2vdb.ingest.batches import read_directories
from e2vdb.ingest.files import LocalFiles
from e2vdb.ingest.jobs import Place
from e2vdb.ingest.layouts import Recording, layouts
from e2vdb.ingest.rejects import CODES, Unusable
from e2vdb.ingest.schema import utterances_schema
from e2vdb.ingest.survey import survey_dimension


def essence(reading):
    return (
        reading.rows.drop_columns(["ingested_at"]),
        [(one.utterance_id, one.path, one.header, one.results) for one in reading.frames],
        reading.rejects,
        sorted(reading.folders),
        reading.links,
    )


@pytest.fixture
def mixed(root):
    write_outputs(root, 5)
    write_output(root, "frames", embedding=None, frame_embeddings=frames(3))
    write_output(root, "broken", embedding=b"")
    write_flat(root, "flat", {"a": vector(1), "b": b"PK"})
    return root


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_job_gives_the_same_in_another_process(mixed, job_for, method):
    places = [Place(str(one), one.name) for one in sorted(mixed.iterdir())]
    job = job_for(mixed, *places)
    with multiprocessing.get_context(method).Pool(1) as pool:
        there = pool.apply(read_directories, (job,))
    here = read_directories(job)
    assert here.rows.num_rows == 7
    assert essence(there) == essence(here)
    assert there.rows.schema.equals(utterances_schema(1024))


def test_a_job_survives_pickling(mixed, job_for):
    job = job_for(mixed, Place(str(mixed), "x"), Place(str(mixed), "y", 3))
    again = pickle.loads(pickle.dumps(job))
    assert again.folders == job.folders
    assert (again.files, again.root, again.limits) == (job.files, job.root, job.limits)


def test_a_job_without_folders_gives_no_rows(root, job_for):
    reading = read_directories(pickle.loads(pickle.dumps(job_for(root, folders=()))))
    assert reading.rows.num_rows == 0
    assert reading.rows.schema.equals(utterances_schema(1024))


def test_reading_leaves_the_tree_as_it_was(mixed, read):
    def look():
        return {path: path.stat().st_mtime_ns for path in mixed.rglob("*")}

    before = look()
    read(mixed)
    assert look() == before


def test_how_folders_are_shared_out_changes_nothing(mixed, read, job_for):
    together = read(mixed)
    apart = [read_directories(job_for(mixed, Place(str(one), one.name))) for one in mixed.iterdir()]
    names = [name for one in apart for name in one.rows.column("utterance_id").to_pylist()]
    assert sorted(names) == sorted(together.rows)


def test_a_long_flat_folder_is_read_in_parts_without_loss(root, read, monkeypatch):
    monkeypatch.setattr(batches, "PART", 10)
    keys = {f"utt{i:02}": vector(i, 4) for i in range(35)}
    write_flat(root, "flat", keys)
    write_output(root, "flat/below", dimension=4)
    tree = read(root, dimension=4)
    assert set(tree.rows) == {f"flat/{key}" for key in keys} | {"flat/below"}


def test_every_reject_and_the_errors_behind_it_can_be_pickled():
    for code in CODES:
        error = Unusable(code, "some/path", "a sentence")
        again = pickle.loads(pickle.dumps(error))
        assert (again.code, again.path, again.detail) == (code, "some/path", "a sentence")
        assert str(again) == f"{code}: some/path: a sentence"


def survey(root, asked=None):
    return survey_dimension(LocalFiles(str(root)), Place(str(root), root.name), asked or layouts())


def test_survey_takes_the_dimension_that_most_have(root):
    assert survey(root) is None
    write_outputs(root, 3, dimension=768)
    write_flat(root, "flat", {"a": vector(1), "b": frames(4), "zip": b"PK", "deep": b"\x80"})
    assert survey(root) == 768
    write_flat(root, "more", {"c": vector(1), "d": vector(2).astype(">f8")})
    assert survey(root) == 1024


def test_survey_breaks_a_tie_the_same_way_every_time(root):
    write_flat(root, "a", {"x": vector(1, 768), "y": vector(1, 1024)})
    assert survey(root) == 1024


def test_survey_passes_over_what_cannot_be_read(root):
    class Odd:
        name = "odd"

        def recordings(self, folder):
            return [Recording("x", folder.path, "x", embedding="gone.npy", frames="there.npy")]

    write_npy(root / "there.npy", frames(2, dimension=768))
    assert survey(root, (Odd(),)) == 768
