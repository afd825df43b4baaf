"""A client of one published file in a process of its own: SQL in, rows out, a line each.

Usage: line_client.py KIND FILE, in an environment that has KIND (duckdb, sqlalchemy or ibis).
Lines in: {"sql": "..."}, {"reopen": true} or {"reflect": true}. Lines out: {"rows": [[...]]},
{"columns": {table: [...]}} or {"error": "..."}.
"""

import json
import sys


class DuckDB:
    def __init__(self, file):
        import duckdb

        self.connection = duckdb.connect(file, read_only=True)

    def rows(self, sql):
        return self.connection.execute(sql).fetchall()

    def close(self):
        self.connection.close()


class SQLAlchemy:
    def __init__(self, file):
        import sqlalchemy

        self.engine = sqlalchemy.create_engine(
            f"duckdb:///{file}", connect_args={"read_only": True}
        )
        self.connection = self.engine.connect()

    def rows(self, sql):
        from sqlalchemy import text

        return self.connection.execute(text(sql)).fetchall()

    def columns(self):
        import sqlalchemy

        tables = sqlalchemy.MetaData()
        tables.reflect(self.engine, views=True)
        return {
            name.split(".")[-1]: [[column.name, str(column.type)] for column in table.columns]
            for name, table in tables.tables.items()
        }

    def close(self):
        self.connection.close()
        self.engine.dispose()


class Ibis:
    def __init__(self, file):
        import ibis

        self.connection = ibis.duckdb.connect(file, read_only=True)

    def rows(self, sql):
        table = self.connection.sql(sql).to_pyarrow()
        return [list(row.values()) for row in table.to_pylist()]

    def columns(self):
        return {
            name: [
                [column, str(kind)] for column, kind in self.connection.table(name).schema().items()
            ]
            for name in self.connection.list_tables()
        }

    def close(self):
        self.connection.disconnect()


KINDS = {"duckdb": DuckDB, "sqlalchemy": SQLAlchemy, "ibis": Ibis}


def main(kind, file):
    client = KINDS[kind](file)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if "reopen" in asked:
                client.close()
                client = KINDS[kind](file)
                answer = {"rows": []}
            elif "reflect" in asked:
                answer = {"columns": client.columns()}
            else:
                answer = {"rows": [list(row) for row in client.rows(asked["sql"])]}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


main(*sys.argv[1:])
