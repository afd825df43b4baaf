"""Times in names and results, and the newest output directory by its name."""

from datetime import datetime

import pytest
from build import result_document, write_output

from e2vdb.ingest.files import LocalFiles
from e2vdb.ingest.jobs import Place
from e2vdb.ingest.survey import latest_output
from e2vdb.ingest.times import is_output_name, time_in_name, time_in_result

MOMENT = datetime(2024, 1, 4, 22, 30)


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("outputs_20240104_223000", MOMENT),
        ("outputs_20240104_223000_2", MOMENT),
        ("north-20240104_223000.final", MOMENT),
        ("99999999_999999 20240104_223000", MOMENT),
        ("outputs_20241304_223000", None),
        ("outputs_20240104_243000", None),
        ("outputs_00000104_223000", None),
        ("1120240104_223000", None),
        ("outputs_20240104_2230001", None),
        ("outputs", None),
        ("", None),
    ],
)
def test_time_in_name(name, moment):
    assert time_in_name(name) == moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-04 22:30:00", MOMENT),
        ("2024-01-04T22:30:00", MOMENT),
        ("2024-01-04T22:30:00Z", MOMENT),
        ("2024-01-04T22:30:00+08:00", MOMENT),
        (" 2024-01-04T22:30:00.250 ", MOMENT.replace(microsecond=250_000)),
        ("2024-01-04", datetime(2024, 1, 4)),
        ("yesterday", None),
        ("", None),
        ("2024-13-04 22:30:00", None),
        (1704378600, None),
        (None, None),
        ({}, None),
    ],
)
def test_time_in_result(text, moment):
    assert time_in_result(text) == moment


def test_recorded_at_falls_back_to_the_result_and_then_to_null(root, read):
    write_output(root, "with result", seed=1)
    write_output(root, "bad stamp", seed=2, result=result_document(timestamp="soon"))
    write_output(root, "outputs_20240104_223000", seed=3, result=result_document(timestamp="soon"))
    write_output(root, "nothing", seed=4, result=None)
    rows = read(root).rows
    assert rows["with result"]["recorded_at"] == datetime(2024, 1, 4, 22, 31)
    assert rows["with result"]["warnings"] == []
    assert rows["bad stamp"]["recorded_at"] is None
    assert rows["bad stamp"]["warnings"] == ["unparsed_time"]
    assert rows["outputs_20240104_223000"]["recorded_at"] == MOMENT
    assert rows["outputs_20240104_223000"]["warnings"] == ["unparsed_time"]
    assert rows["nothing"]["recorded_at"] is None
    assert rows["nothing"]["warnings"] == ["unparsed_time"]


def test_latest_output_goes_by_the_name_not_the_disk(root):
    for name in ("outputs_20250101_000000", "b/outputs_20260101_000001", "outputs_20230101_000000"):
        write_output(root, name, embedding=None)
    (root / "z_20990101_000000").mkdir()
    (root / "outputs_20991301_000000").mkdir()
    found = latest_output(LocalFiles(str(root)), Place(str(root), root.name))
    assert found == str(root / "b" / "outputs_20260101_000001")
    empty = root / "b" / "outputs_20260101_000001"
    assert latest_output(LocalFiles(str(empty)), Place(str(empty), "x")) == str(empty)
    (root / "none").mkdir()
    assert latest_output(LocalFiles(str(root / "none")), Place(str(root / "none"), "x")) is None


def test_output_names():
    assert is_output_name("outputs_20240104_223000")
    assert not is_output_name("outputs_20240104_223000\n")
    assert not is_output_name("Xoutputs_20240104_223000")
