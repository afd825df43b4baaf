"""What analysts' libraries make of relations and connections."""

import subprocess
import sys
import warnings

import duckdb
import ibis
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from demo_database import DemoDatabase

import e2vdb

NEGATIVE = "SELECT team, count(*) AS n FROM calls WHERE negative AND team <> '' GROUP BY team"


@pytest.fixture(scope="module")
def database(demo: DemoDatabase):
    with e2vdb.connect(demo.address) as db:
        yield db


@pytest.fixture(scope="module")
def expected(database: e2vdb.Database) -> dict[str, int]:
    found = dict(database.sql(NEGATIVE).fetchall())
    assert len(found) == 3
    return found


def test_pandas(database: e2vdb.Database, expected: dict[str, int]) -> None:
    frame = database.sql(NEGATIVE).df()
    assert isinstance(frame, pd.DataFrame)
    assert dict(zip(frame["team"], frame["n"], strict=True)) == expected


def test_polars(database: e2vdb.Database, expected: dict[str, int]) -> None:
    frame = database.sql(NEGATIVE).pl()
    assert isinstance(frame, pl.DataFrame)
    assert dict(frame.iter_rows()) == expected
    vectors = database.sql("SELECT embedding FROM utterances WHERE norm > 0").pl()
    assert vectors["embedding"].dtype == pl.Array(pl.Float32, 1024)


def test_arrow(database: e2vdb.Database, expected: dict[str, int]) -> None:
    answer = database.sql(NEGATIVE).arrow()
    table = answer if isinstance(answer, pa.Table) else answer.read_all()
    assert dict(zip(*table.to_pydict().values(), strict=True)) == expected
    schema = database.sql("FROM frames").to_arrow_table().schema
    assert schema.field("embedding").type.value_type == pa.float32()


def test_pandas_and_polars_read_from_a_plain_connection(
    database: e2vdb.Database, expected: dict[str, int]
) -> None:
    connection = database.connection()
    assert dict(pl.read_database(NEGATIVE, connection).iter_rows()) == expected
    with warnings.catch_warnings(action="ignore"):  # pandas would rather have SQLAlchemy
        frame = pd.read_sql(NEGATIVE, connection)
    assert dict(frame.itertuples(index=False, name=None)) == expected
    assert dict(connection.execute(NEGATIVE).df().itertuples(index=False, name=None)) == expected


def ibis_knows_this_duckdb() -> bool:
    """Whether ibis can ask a DuckDB connection that has nothing to do with us."""
    try:
        with duckdb.connect() as connection:
            return bool(len(ibis.duckdb.from_connection(connection).sql("SELECT 1 AS x").execute()))
    except AttributeError:
        return False


def test_ibis(database: e2vdb.Database, expected: dict[str, int]) -> None:
    if not ibis_knows_this_duckdb():
        pytest.skip(f"ibis {ibis.__version__} does not know DuckDB {duckdb.__version__}")
    backend = ibis.duckdb.from_connection(database.connection())
    assert {"calls", "utterances", "frames", "metadata", "rejects"} <= set(backend.list_tables())
    calls = backend.table("calls")
    assert calls.at.type().is_timestamp()
    negative = calls.filter(calls.negative & calls.team.notnull())
    frame = negative.group_by("team").agg(n=negative.count()).execute()
    assert dict(zip(frame["team"], frame["n"], strict=True)) == expected
    assert backend.table("utterances").count().execute() == 320


def test_cursors_have_everything(database: e2vdb.Database, expected: dict[str, int]) -> None:
    """DB-API clients such as JupySQL run each query on a cursor of the connection."""
    cursor = database.connection().cursor()
    assert dict(cursor.execute(NEGATIVE).fetchall()) == expected
    everything = (
        "SELECT count(e2v_distill(embedding)), count(emotion_zh(emotion)), "
        "(SELECT count(*) FROM frames), (SELECT count(*) FROM rejects) FROM utterances"
    )
    assert cursor.cursor().execute(everything).fetchall() == [(318, 318, 13276, 17)]


def test_close_closes_what_was_given_out(demo: DemoDatabase) -> None:
    db = e2vdb.connect(demo.address)
    connection = db.connection()
    db.connection().close()
    db.close()
    with pytest.raises(duckdb.Error):
        connection.execute("SELECT 1")
    assert db.sql("SELECT count(*) FROM calls").fetchall() == [(320,)]
    db.close()
    db.close()


LEAVES = {
    "facade": "with e2vdb.connect(A) as db:\n    print(db.sql('FROM calls').fetchall()[0][0])",
    "plain": "with e2vdb.connect(A) as db:\n    c = db.connection()\n"
    "    print(c.execute('SELECT count(e2v_distill(embedding)) FROM utterances').fetchall())",
    "relation kept": "with e2vdb.connect(A) as db:\n    r = db.sql('FROM calls')\n"
    "    print(len(r.fetchall()))",
    "error": "with e2vdb.connect(A) as db:\n    try: db.sql('FROM nothing')\n"
    "    except Exception as e: print('error')",
    "write": "import tempfile\nwith e2vdb.connect(tempfile.mkdtemp() + '/x') as db:\n"
    "    db.set('max_abs', 4)\n    print(db.sql('FROM settings').fetchall())",
}


@pytest.mark.parametrize("name", LEAVES)
def test_nothing_is_said_at_the_end_of_a_script(demo: DemoDatabase, name: str) -> None:
    code = f"import e2vdb\nA = {str(demo.address)!r}\n{LEAVES[name]}\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
