"""Answers in the format that was asked for, to a file or to stdout."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import duckdb
import pyarrow as pa

from e2vdb.cli.options import say
from e2vdb.errors import UsageError

TABLE_ROWS = 500
"""Rows past which a table for people to read is cut, and says so."""

_COPY = {
    "csv": "FORMAT csv, HEADER true",
    "jsonl": "FORMAT json",
    "json": "FORMAT json, ARRAY true",
}
Writer = Callable[[duckdb.DuckDBPyRelation, BinaryIO], None]


def write_answer(relation: duckdb.DuckDBPyRelation, kind: str, output: Path | None) -> None:
    """Write a relation's rows as `kind` to a file, or to stdout."""
    writer = FORMATS[kind]
    with _destination(output) as stream:
        writer(relation, stream)


@contextmanager
def _destination(output: Path | None) -> Iterator[BinaryIO]:
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    file = output.expanduser()
    # Beside the target, then renamed: a failed query leaves no half answer behind.
    part = file.with_name(f".{file.name}.part")
    try:
        with part.open("wb") as stream:
            yield stream
        part.replace(file)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror or error}.") from error
    finally:
        part.unlink(missing_ok=True)


def _copied(options: str) -> Writer:
    """Return a writer that lets DuckDB format the rows, nested columns and all."""

    def write(relation: duckdb.DuckDBPyRelation, stream: BinaryIO) -> None:
        reader = relation.to_arrow_reader()
        with tempfile.TemporaryDirectory() as folder, duckdb.connect() as writer:
            file = Path(folder) / "answer"
            writer.register("answer", reader)
            writer.execute(f"COPY (FROM answer) TO '{_escaped(file)}' ({options})")
            with file.open("rb") as written:
                shutil.copyfileobj(written, stream)

    return write


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")


def _parquet(relation: duckdb.DuckDBPyRelation, stream: BinaryIO) -> None:
    import pyarrow.parquet as pq

    reader = relation.to_arrow_reader()
    with pq.ParquetWriter(stream, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)


def _arrow(relation: duckdb.DuckDBPyRelation, stream: BinaryIO) -> None:
    reader = relation.to_arrow_reader()
    with pa.ipc.new_file(stream, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)


def _table(relation: duckdb.DuckDBPyRelation, stream: BinaryIO) -> None:
    from rich.console import Console
    from rich.table import Table

    rows = relation.limit(TABLE_ROWS + 1).fetchall()
    table = Table()
    for name, kind in zip(relation.columns, relation.types, strict=True):
        numeric = any(word in str(kind) for word in ("INT", "FLOAT", "DOUBLE", "DECIMAL"))
        table.add_column(name, justify="right" if numeric and "[" not in str(kind) else "left")
    for row in rows[:TABLE_ROWS]:
        table.add_row(*map(_cell, row))
    console = Console(width=None if sys.stdout.isatty() else 10_000, highlight=False, markup=False)
    with console.capture() as text:
        console.print(table)
    stream.write(text.get().encode())
    if len(rows) > TABLE_ROWS:
        say(f"The first {TABLE_ROWS} rows; use --format csv or LIMIT for others.")


def _markdown(relation: duckdb.DuckDBPyRelation, stream: BinaryIO) -> None:
    def line(cells: list[str]) -> bytes:
        escaped = (cell.replace("|", "\\|").replace("\n", " ") for cell in cells)
        return f"| {' | '.join(escaped)} |\n".encode()

    stream.write(line(relation.columns))
    stream.write(line(["---"] * len(relation.columns)))
    for batch in relation.to_arrow_reader():
        for row in zip(*batch.to_pydict().values(), strict=True):
            stream.write(line([_cell(value) for value in row]))


def _cell(value: object) -> str:
    """Return a value as people read it: short floats, short vectors, nothing for NULL."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, tuple | list) and len(value) > 8:
        first = ", ".join(map(_cell, value[:4]))
        return f"[{first}, … {len(value)} values]"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_cell, value))}]"
    return str(value)


FORMATS: dict[str, Writer] = {
    "table": _table,
    "csv": _copied(_COPY["csv"]),
    "jsonl": _copied(_COPY["jsonl"]),
    "json": _copied(_COPY["json"]),
    "markdown": _markdown,
    "parquet": _parquet,
    "arrow": _arrow,
}
