"""Columns are read once a fragment and dropped past the limit, least used first."""

from pathlib import Path

import lance
import numpy as np
import pyarrow as pa
import pytest

from e2vdb.query.columns import ColumnCache


def rows(start: int, count: int = 1000) -> pa.Table:
    numbers = np.arange(start, start + count)
    return pa.table({"a": numbers, "b": numbers * 2.0, "c": [f"text {n}" for n in numbers]})


@pytest.fixture
def dataset(tmp_path: Path) -> lance.LanceDataset:
    lance.write_dataset(rows(0), tmp_path / "t.lance")
    return lance.write_dataset(rows(1000), tmp_path / "t.lance", mode="append")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, tuple[str, ...]]]:
    """Which fragment was read for which columns."""
    seen: list[tuple[int, tuple[str, ...]]] = []
    original = lance.LanceFragment.to_table

    def to_table(self, columns=None, **options):
        seen.append((self.fragment_id, tuple(columns)))
        return original(self, columns=columns, **options)

    monkeypatch.setattr(lance.LanceFragment, "to_table", to_table)
    return seen


def same(found: dict[str, pa.ChunkedArray], dataset: lance.LanceDataset) -> bool:
    return pa.table(found).equals(dataset.to_table(columns=list(found)))


def test_only_new_fragments_and_columns_are_read(dataset, reads) -> None:
    cache = ColumnCache()
    assert same(cache.read(dataset, ["a"]), dataset)
    assert sorted(reads) == [(0, ("a",)), (1, ("a",))]
    reads.clear()
    assert same(cache.read(dataset, ["a"]), dataset)
    assert reads == []
    assert same(cache.read(dataset, ["a", "b"]), dataset)
    assert sorted(reads) == [(0, ("b",)), (1, ("b",))]
    reads.clear()
    newer = lance.write_dataset(rows(2000), dataset.uri, mode="append")
    assert same(cache.read(newer, ["a", "b"]), newer)
    assert reads == [(2, ("a", "b"))]


def test_a_fragment_with_deleted_rows_is_read_again(dataset, reads) -> None:
    cache = ColumnCache()
    cache.read(dataset, ["a"])
    reads.clear()
    dataset.delete("a < 10")
    assert same(cache.read(dataset, ["a"]), dataset)
    assert reads == [(0, ("a",))]


def test_compaction_and_overwriting_leave_nothing_stale(dataset) -> None:
    cache = ColumnCache()
    cache.read(dataset, ["a", "c"])
    dataset.optimize.compact_files()
    compacted = lance.dataset(dataset.uri)
    assert same(cache.read(compacted, ["a", "c"]), compacted)
    fresh = lance.write_dataset(rows(5000, 10), dataset.uri, mode="overwrite")
    assert same(cache.read(fresh, ["a", "c"]), fresh)
    assert cache.nbytes < 2000


def test_the_limit_drops_what_was_not_used_for_longest(dataset, reads) -> None:
    cache = ColumnCache(limit_bytes=2 * 2000 * 8)
    for name in ("a", "b", "c"):
        assert same(cache.read(dataset, [name]), dataset)
    assert cache.nbytes <= 2 * 2000 * 8 or cache.nbytes == dataset.to_table(["c"]).nbytes
    reads.clear()
    cache.read(dataset, ["a"])
    assert len(reads) == 2  # dropped, so read again
    # What one statement needs is kept together, however much it is.
    assert same(cache.read(dataset, ["a", "b", "c"]), dataset)


def test_an_empty_table(tmp_path: Path) -> None:
    empty = lance.write_dataset(rows(0).slice(0, 0), tmp_path / "e.lance")
    found = ColumnCache().read(empty, ["a", "c"])
    assert found["a"].type == pa.int64()
    assert len(found["c"]) == 0
