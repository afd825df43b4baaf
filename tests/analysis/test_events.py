"""Loading events: by name, as often as you like; a wrong file is told what is wrong."""

import pytest
from click.testing import CliRunner
from conftest_analysis import rows_of

import e2vdb
from e2vdb.cli.app import cli
from e2vdb.errors import InputError, UsageError
from e2vdb.store.store import Store

HEADER = "name,kind,starts_at,ends_at,product,team\n"


@pytest.fixture
def empty(tmp_path):
    with e2vdb.connect(tmp_path / "e.lancedb") as db:
        yield db


def write(tmp_path, text: str):
    file = tmp_path / "events.csv"
    file.write_text(text, "utf-8")
    return file


def test_events_are_loaded_and_replaced_by_name(empty, tmp_path) -> None:
    first = empty.load_events(
        write(tmp_path, HEADER + "发布,launch,2024-05-31,,音箱,\nb,,2024-01-01,,,\n")
    )
    assert (first.events, first.new) == (2, 2)
    again = empty.load_events(write(tmp_path, "Name , starts_at\n发布,2024-06-01 09:00\n"))
    assert (again.events, again.new) == (1, 0)
    found = rows_of(empty, "FROM events ORDER BY name")
    assert [(row["name"], str(row["starts_at"])) for row in found] == [
        ("b", "2024-01-01 00:00:00"),
        ("发布", "2024-06-01 09:00:00"),
    ]
    empty.remove_event("b")
    assert len(rows_of(empty, "FROM events")) == 1
    with pytest.raises(UsageError, match="no event 'b'"):
        empty.remove_event("b")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,kind\na,b\n", "no column starts_at"),
        (HEADER + ",launch,2024-01-01,,,\n", "event 1 has no name"),
        (HEADER + "a,launch,,,,\n", "event 1 has no starts_at"),
        (HEADER + "a,launch,soon,,,\n", "cannot be read as events.*soon"),
        (HEADER + "a,,2024-01-01,,,\na,,2024-02-01,,,\n", "'a' twice"),
        (HEADER + "a,,2024-01-02,2024-01-01,,\n", "'a' ends before it starts"),
    ],
)
def test_a_wrong_file_is_told_what_is_wrong(empty, tmp_path, text, said) -> None:
    with pytest.raises(InputError, match=said):
        empty.load_events(write(tmp_path, text))


def test_a_missing_file_is_named(empty, tmp_path) -> None:
    with pytest.raises(InputError, match=r"nothing\.csv does not exist"):
        empty.load_events(tmp_path / "nothing.csv")


def test_the_past_has_no_events_yet(own_db, tmp_path) -> None:
    own_db.tag("before")
    own_db.load_events(write(tmp_path, HEADER + "party,,2024-01-01,,,\n"))
    with e2vdb.connect(own_db.address.uri, as_of="before") as past:
        assert "party" not in {row["name"] for row in rows_of(past, "FROM events")}


def test_a_database_made_before_events_is_read_as_if_it_had_none(own_db) -> None:
    import shutil

    for table in ("events", "clusters", "cluster_centroids", "emotion_map", "heads"):
        shutil.rmtree(Store(own_db.address).address.table(table))
    with e2vdb.connect(own_db.address.uri) as old:
        assert rows_of(old, "FROM events") == []
        assert rows_of(old, "FROM agent_health()")[0]["dominant_cluster"] is None
        assert {table.name for table in old.info().tables} >= {"events", "heads"}


def test_the_command_line_loads_lists_and_removes(tmp_path) -> None:
    address = ["--db", str(tmp_path / "c.lancedb")]
    file = write(tmp_path, HEADER + "party,fun,2024-01-01,,,\n")
    run = CliRunner()
    assert (
        "1 events loaded, 1 of them new"
        in run.invoke(cli, [*address, "events", "load", str(file)]).output
    )
    assert run.invoke(cli, [*address, "events", "remove", "party"]).exit_code == 0
    with e2vdb.connect(tmp_path / "c.lancedb") as db:
        assert rows_of(db, "FROM events") == []
