"""Ready-made matrices: hostile files are refused, good ones applied."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from e2vdb.cli.app import cli
from e2vdb.errors import InputError
from e2vdb.loading.alignments import _read_matrix

from .conftest import Open

VOICES = np.random.default_rng(0).normal(size=(20, 16))
MATRIX = np.random.default_rng(1).normal(size=(16, 7))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f8", "<f4", "<f2", ">f8"])
def test_any_float_matrix_is_applied(
    open_voices: Open, tmp_path: Path, dtype: str, order: str
) -> None:
    db = open_voices(VOICES)
    matrix = np.array(MATRIX, dtype=dtype, order=order)
    np.save(tmp_path / "W.npy", matrix)
    info = db.alignments.import_matrix("text", tmp_path / "W.npy")
    assert (info.width, info.source, info.pairs, info.held_out_cosine) == (7, "W.npy", None, None)
    rows = db.sql("SELECT e2v_align(embedding, 'text') FROM utterances ORDER BY utterance_id")
    expected = VOICES.astype(np.float32).astype(float) @ matrix.astype(float)
    assert np.array([row[0] for row in rows.fetchall()]) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("matrix", "code"),
    [
        (MATRIX.T, "wrong_dimension: .*transpose"),
        (MATRIX[0], "wrong_dimension"),
        (MATRIX[None], "wrong_dimension"),
        (MATRIX * np.nan, "not_finite"),
        (MATRIX * 1e300, "not_finite"),
        (MATRIX * 0, "all_zero"),
        (MATRIX.astype(complex), "wrong_dtype"),
        (MATRIX.astype(int), "wrong_dtype"),
        (MATRIX.astype(object), "unreadable_npy"),
    ],
)
def test_a_wrong_matrix_is_refused(tmp_path: Path, matrix: np.ndarray, code: str) -> None:
    np.save(tmp_path / "W.npy", matrix, allow_pickle=True)
    with pytest.raises(InputError, match=code):
        _read_matrix(tmp_path / "W.npy", 16)


def test_a_header_that_declares_too_much_allocates_nothing(tmp_path: Path) -> None:
    np.save(tmp_path / "W.npy", MATRIX)
    data = (tmp_path / "W.npy").read_bytes()
    hostile = data.replace(b"(16, 7), }   ", b"(16, 65000), }"[:13].ljust(13))
    (tmp_path / "W.npy").write_bytes(hostile)
    with pytest.raises(InputError, match="unreadable_npy"):
        _read_matrix(tmp_path / "W.npy", 16)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 400), st.binary(min_size=1, max_size=6))
def test_mutated_files_are_read_or_refused(tmp_path: Path, place: int, patch: bytes) -> None:
    np.save(tmp_path / "W.npy", MATRIX)
    data = bytearray((tmp_path / "W.npy").read_bytes())
    data[place : place + len(patch)] = patch
    (tmp_path / "W.npy").write_bytes(data)
    try:
        found = _read_matrix(tmp_path / "W.npy", 16)
    except InputError:
        return
    assert found.dtype == np.float32
    assert found.shape[0] == 16
    assert np.isfinite(found).all()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.npy"):
        _read_matrix(tmp_path / "none.npy", 16)


def test_commands_import_list_and_remove(open_voices: Open, tmp_path: Path) -> None:
    db = open_voices(VOICES)
    np.save(tmp_path / "W.npy", MATRIX)

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(cli, ["--db", db.address.uri, "align", *arguments])
        assert done.exception is None, done.output
        return done.output

    printed = run("import", "text", str(tmp_path / "W.npy"))
    assert printed == "text: to 7 values, imported from W.npy\n"
    assert run("list") == printed
    run("remove", "text")
    assert run("list") == ""
    wrong = CliRunner().invoke(cli, ["--db", db.address.uri, "align", "remove", "text"])
    assert "There is no alignment 'text'" in str(wrong.exception)
