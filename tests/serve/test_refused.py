"""Over the wire nothing is written, read from disk, attached, installed or configured."""

import duckdb
import pytest
from refused_queries import REFUSED, filled
from serving import Wire


@pytest.mark.parametrize("query", REFUSED)
def test_a_query_that_does_more_than_read_the_published_tables_is_refused(wire: Wire, query):
    folder = wire.file.parent
    (folder / "secret.csv").write_text("a\nsecret\n")
    before = sorted(one.name for one in folder.iterdir())
    published = wire.file.read_bytes()
    with pytest.raises(duckdb.Error) as refused:
        wire.ask(filled(query, str(folder), wire.port))
    said = str(refused.value)
    assert "This server" in said or "Authorization failed" in said or "syntax error" in said, said
    assert wire.ask("SELECT count(*) FROM calls") == [(5,)]
    assert sorted(one.name for one in folder.iterdir()) == before
    assert wire.file.read_bytes() == published


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO r.calls VALUES (9, 'x')",
        "INSERT INTO r.main.calls SELECT 9, 'x'",
        "UPDATE r.calls SET agent = 'x'",
        "DELETE FROM r.calls",
        "CREATE TABLE r.t (i INTEGER)",
        "CREATE TABLE r.t AS SELECT 1",
        "CREATE VIEW r.t AS SELECT 1",
        "DROP VIEW r.calls",
        "ALTER VIEW r.calls RENAME TO c",
    ],
)
def test_the_attached_server_is_not_written_either(wire: Wire, statement):
    with pytest.raises(duckdb.Error):
        wire.client().execute(statement)
    assert wire.client().execute("SELECT count(*) FROM r.calls").fetchall() == [(5,)]


@pytest.mark.parametrize("setting", ["enable_external_access", "lock_configuration"])
def test_the_lock_holds_without_the_gate(wire: Wire, setting):
    inside = wire.server._connection
    values = dict(inside.execute("SELECT name, value FROM duckdb_settings()").fetchall())
    assert values["enable_external_access"] == "false"
    assert values["lock_configuration"] == "true"
    with pytest.raises(duckdb.Error):
        inside.execute(f"RESET {setting}")
    for statement in (
        f"FROM read_text('{wire.file.parent}/secret.csv')",
        f"COPY calls TO '{wire.file.parent}/out.csv'",
        f"ATTACH '{wire.file.parent}/other.duckdb'",
        "INSTALL spatial",
        "DELETE FROM published_1.main.calls",
    ):
        with pytest.raises(duckdb.Error):
            inside.execute(statement)


@pytest.mark.parametrize("token", ["wrong", "", "quack"])
def test_another_token_is_refused(wire: Wire, token):
    with pytest.raises(duckdb.Error):
        wire.client(token).execute("FROM r.calls")
