"""What frequent commits leave: small fragments are merged, old versions thinned, rows untouched."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import lance
import pyarrow as pa
import pytest
from trees import ids, name_of, table, write_output

import e2vdb
from e2vdb.loading.ingest import IngestOptions
from e2vdb.loading.intake import Intake
from e2vdb.store import small, thin
from e2vdb.store.address import resolve
from e2vdb.store.history import KEPT_TAG, versions
from e2vdb.store.small import compact_small
from e2vdb.store.store import Store
from e2vdb.store.tables import REJECTS_TABLE, SOURCES_TABLE, TABLES, UTTERANCES

COMMITS = 40


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty directories, one a batch, and a reject with every tenth."""
    folder = tmp_path_factory.mktemp("frequent")
    root = folder / "outputs"
    root.mkdir()
    store = Store(resolve(folder / "db"))
    taking = Intake(store, root.resolve(), IngestOptions())
    taking.prepare()
    for number in range(COMMITS):
        folders = [write_output(root / name_of(number), number, dimension=16)]
        if number % 10 == 9:
            (root / f"outputs_20300101_0000{number:02}").mkdir()
            folders.append(root / f"outputs_20300101_0000{number:02}")
        taking.take(list(map(str, folders)))
    return folder / "db"


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Store:
    return Store(resolve(shutil.copytree(made, tmp_path / "db")))


def fragments(store: Store) -> int:
    return len(store.dataset(UTTERANCES).get_fragments())


def test_small_fragments_are_merged(store: Store, tmp_path: Path) -> None:
    before = table(tmp_path / "db", "utterances").sort_by("utterance_id")
    assert fragments(store) == COMMITS
    assert compact_small(store) > COMMITS
    assert fragments(store) == 1
    assert table(tmp_path / "db", "utterances").sort_by("utterance_id").equals(before)
    assert compact_small(store) == 0


def test_few_fragments_and_large_ones_are_left_alone(tmp_path: Path) -> None:
    store = Store(resolve(tmp_path / "db"))
    store.create(16)
    schema = store.dataset(SOURCES_TABLE).schema
    rows = pa.table(
        [pa.array(values, field.type) for values, field in zip(
            ([str(i) for i in range(5000)], ["x"] * 5000, [1] * 5000, [1] * 5000), schema,
            strict=True)], schema=schema)  # fmt: skip
    uri = str(tmp_path / "db" / "sources.lance")
    for _ in range(20):
        lance.write_dataset(rows, uri, mode="append")
    for start in range(small.FEW):
        lance.write_dataset(rows.slice(start, 1), uri, mode="append")
    large = {one.fragment_id for one in store.dataset(SOURCES_TABLE).get_fragments()[:20]}
    compact_small(store)
    left = {one.fragment_id for one in store.dataset(SOURCES_TABLE).get_fragments()}
    assert large < left
    assert len(left) == 21


def test_versions_are_thinned(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with e2vdb.connect(str(store.address)) as db:
        tagged = db.tag("kept")
    monkeypatch.setattr(thin, "FRESH", timedelta(0))
    before = {name.number: name for name in versions(store)}
    newest = store.dataset(UTTERANCES).version
    moments = thin.moments_to_keep(store)
    assert len(moments) <= 2  # one an hour; the hour may have changed meanwhile
    removed = thin.thin_versions(store, UTTERANCES, moments)
    left = [one.number for one in versions(store)]
    assert removed == len(before) - len(left) > 30
    assert {newest, tagged} <= set(left)
    assert not [name for name in store.dataset(UTTERANCES).tags.list() if KEPT_TAG in name]
    assert len(ids(Path(store.address.folder or ""))) == COMMITS


def test_what_stays_is_read_with_what_was_there(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    past = versions(store)
    chosen = past[len(past) // 2]
    with e2vdb.connect(str(store.address), as_of=chosen.number) as db:
        expected = db.sql("SELECT (SELECT count(*) FROM calls), count(*) FROM rejects").fetchall()
    monkeypatch.setattr(thin, "FRESH", timedelta(0))
    for one in TABLES:
        thin.thin_versions(store, one, [chosen.committed_at])
    with e2vdb.connect(str(store.address), as_of=chosen.number) as db:
        query = "SELECT (SELECT count(*) FROM calls), count(*) FROM rejects"
        assert db.sql(query).fetchall() == expected
    assert len(versions(store)) <= 3
    assert len(versions(store, REJECTS_TABLE)) <= 5


def test_fresh_and_few_versions_stay(store: Store) -> None:
    before = [one.number for one in versions(store)]
    thin.thin_versions(store, UTTERANCES, thin.moments_to_keep(store))
    assert [one.number for one in versions(store)] == before


def test_hours_with_few_versions_keep_them_all(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thin, "MANY", COMMITS + 10)
    assert len(thin.moments_to_keep(store)) == len(versions(store))
    later = datetime.now().astimezone() + timedelta(days=30)
    assert thin.moments_to_keep(store, 7, later) == [versions(store)[-1].committed_at]


def test_a_thinning_that_was_cut_short(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.dataset(UTTERANCES).tags.create(f"{KEPT_TAG}3", 3)
    with e2vdb.connect(str(store.address)) as db:
        assert not any(version.tags for version in db.versions())
    monkeypatch.setattr(thin, "FRESH", timedelta(0))
    thin.thin_versions(store, UTTERANCES, [])
    assert 3 not in [one.number for one in versions(store)]
    assert store.dataset(UTTERANCES).tags.list() == {}
