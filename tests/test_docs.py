"""The README names everything that a user can type, read or be told."""

import re
from pathlib import Path

import click
import pytest

from e2vdb.cli.app import _COMMANDS, cli
from e2vdb.ingest.limits import WARNINGS
from e2vdb.ingest.rejects import CODES
from e2vdb.ingest.schema import frames_schema, utterances_schema
from e2vdb.query.catalog import functions
from e2vdb.query.definitions import RELATIONS, questions
from e2vdb.store.settings import ABOUT

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")


def command(name: str) -> click.Command:
    context = click.Context(cli)
    context.invoked_subcommand = name
    found = cli.get_command(context, name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", _COMMANDS)
def test_commands_and_their_options(name: str) -> None:
    line = next((one for one in README.splitlines() if f"| `e2vdb {name}" in one), "")
    assert line, f"README.md has no row for e2vdb {name}"
    for option in command(name).params:
        if isinstance(option, click.Option) and option.name != "db":
            assert any(one in line for one in option.opts if one.startswith("--")), option.opts
    assert "`--db" in README


def test_relations_functions_codes_settings_and_questions() -> None:
    columns = {*utterances_schema(8).names, *frames_schema(8).names, "distilled", "negative", "at"}
    names = {*RELATIONS, *columns, *CODES, *WARNINGS, *ABOUT}
    assert sorted(name for name in names if f"`{name}`" not in README) == []
    found = {name for name, _ in functions()}
    assert {"e2v_load", "e2v_distill", "emotion_zh"} <= found
    assert sorted(name for name in found if f"`{name}(" not in README) == []
    assert [name for name in questions() if f"sql/{name}.sql" not in README] == []


def test_relations_of_the_sql_folder_are_all_described() -> None:
    views = set()
    for file in (Path(__file__).parent.parent / "sql").glob("*.sql"):
        views |= set(re.findall(r"CREATE OR REPLACE VIEW (\w+)", file.read_text("utf-8")))
    assert {view for view in views if not view.startswith("_")} == set(RELATIONS)


def test_a_first_query_within_forty_lines() -> None:
    head = "\n".join(README.splitlines()[:40])
    for part in ("make demo", "make test", "sql ", "└"):
        assert part in head
