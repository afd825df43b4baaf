"""Settings live in the database and reach the next ingest."""

from pathlib import Path

import pytest
from trees import table, versions, write_tree

import e2vdb
from e2vdb.errors import UsageError
from e2vdb.store.settings import ABOUT, Settings


def test_defaults_are_those_of_the_contract(tmp_path: Path) -> None:
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(write_tree(tmp_path / "outputs", range(1)))
        settings = db.settings()
    assert settings == Settings()
    assert (settings.max_abs, settings.norm_min, settings.norm_max) == (5, 15, 25)
    assert settings.variance == 0.95
    assert set(ABOUT) == set(Settings.__dataclass_fields__)


def test_a_setting_is_stored_once_and_applies_to_what_is_read(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "outputs", range(3))
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(root)
        assert db.set("norm_min", 21).norm_min == 21
        before = versions(tmp_path / "db")
        db.set("norm_min", 21)
        assert versions(tmp_path / "db") == before
        assert db.ingest(root).unchanged == 3
        assert db.ingest(root, reread=True).updated == 3
    with e2vdb.connect(tmp_path / "db") as db:
        assert db.settings().norm_min == 21
        db.set("norm_min", 15)
        assert table(tmp_path / "db", "settings").num_rows == 1
    for codes in table(tmp_path / "db", "utterances")["warnings"].to_pylist():
        assert "norm_outlier" in codes


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("norm", 1),
        ("norm_min", -1),
        ("norm_max", float("nan")),
        ("max_abs", float("inf")),
        ("variance", 0),
        ("variance", 1.5),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, name: str, value: float) -> None:
    with e2vdb.connect(tmp_path / "db") as db, pytest.raises(UsageError, match=name):
        db.set(name, value)
    assert not (tmp_path / "db").exists()


def test_variance_given_to_an_ingest_is_stored(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "outputs", range(2))
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(root, variance=0.8)
        assert db.settings().variance == 0.8
        with pytest.raises(UsageError, match="variance"):
            db.ingest(root, variance=2)
