"""Reading a metadata file of any kind that DuckDB reads, with types that can be trusted."""

import codecs
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from e2vdb.errors import InputError

KEYS = ("utterance_id", "output_dir")
TEXTS = ("agent", "customer", "product", "team")
MOMENT = "called_at"
CONVENTIONAL = (*TEXTS, MOMENT)

_READERS = {
    ".csv": "read_csv",
    ".tsv": "read_csv",
    ".txt": "read_csv",
    ".parquet": "read_parquet",
    ".json": "read_json",
    ".jsonl": "read_json",
    ".ndjson": "read_json",
}


def read_metadata_file(path: str | os.PathLike[str]) -> pa.Table:
    """Return a file's rows; keys and conventional names in lower case and with their types.

    Raises `InputError` for a file that is missing, of an unknown kind, or without a key column.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise InputError(f"{file} does not exist or is not a file; give a metadata file.")
    kind = reader_of(file)
    with duckdb.connect() as connection, as_utf8(file, kind) as readable:
        try:
            return _read(connection, str(readable), kind, file)
        except duckdb.Error as error:
            reason = str(error).split("\n", 1)[0]
            raise InputError(f"{file} cannot be read as metadata: {reason}") from error


def reader_of(file: Path) -> str:
    """Return DuckDB's function for this kind of file. Raises `InputError` for any other."""
    suffixes = [suffix.lower() for suffix in file.suffixes if suffix.lower() != ".gz"]
    reader = _READERS.get(suffixes[-1] if suffixes else "")
    if reader is None:
        raise InputError(
            f"{file} is of no kind that is read as metadata; "
            "save it as .csv, .tsv, .parquet, .json or .jsonl."
        )
    return reader


@contextmanager
def as_utf8(file: Path, kind: str) -> Iterator[Path]:
    """Give the file itself, or a UTF-8 copy where Excel on Chinese Windows saved it as GBK."""
    if kind == "read_parquet" or file.suffix == ".gz" or _is_utf8(file):
        yield file
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / file.name
        try:
            with file.open(encoding="gb18030") as old, copy.open("w", encoding="utf-8") as new:
                shutil.copyfileobj(old, new)
        except UnicodeDecodeError as error:
            raise InputError(f"{file} is neither UTF-8 nor GBK text; save it as UTF-8.") from error
        yield copy


def _is_utf8(file: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _read(connection: duckdb.DuckDBPyConnection, readable: str, kind: str, file: Path) -> pa.Table:
    source = f"{kind}($path)"
    described = connection.execute(f"DESCRIBE FROM {source}", {"path": readable}).fetchall()
    names = {name: _plain_name(name) for name, *_ in described}
    _check_names(names, file)
    types = {name: kind for name, kind, *_ in described}
    if kind == "read_csv":
        texts = [name for name in names if names[name] in (*KEYS, *TEXTS)]
        texts += _padded(connection, readable, types)
        listed = ", ".join(f"{_text(name)}: 'VARCHAR'" for name in texts)
        source = f"read_csv($path, types = {{{listed}}})" if texts else source
    columns = ", ".join(_column(name, plain) for name, plain in names.items())
    rows = connection.sql(f"SELECT {columns} FROM {source}", params={"path": readable})
    table: pa.Table = rows.to_arrow_table()
    return table


def _plain_name(name: str) -> str:
    stripped = name.strip()
    lowered = stripped.lower()
    return lowered if lowered in (*KEYS, *CONVENTIONAL) else stripped


def _check_names(names: dict[str, str], file: Path) -> None:
    plain = list(names.values())
    if not set(KEYS) & set(plain):
        raise InputError(
            f"{file} has no column utterance_id or output_dir to join on; "
            f"its columns are {', '.join(plain)}."
        )
    lowered = [name.lower() for name in plain]
    twice = sorted({name for name in lowered if lowered.count(name) > 1})
    if twice:
        raise InputError(f"{file} has the column {twice[0]} twice; rename one of them.")


def _padded(
    connection: duckdb.DuckDBPyConnection, readable: str, types: dict[str, str]
) -> list[str]:
    """Return integer columns with leading zeros: numbers of things, not numbers."""
    integers = [name for name, kind in types.items() if "INT" in kind]
    if not integers:
        return []
    checks = ", ".join(f"bool_or(regexp_matches({_name(name)}, '^\\s*0\\d'))" for name in integers)
    sql = f"SELECT {checks} FROM read_csv($path, all_varchar = true)"
    found = connection.execute(sql, {"path": readable}).fetchone()
    return [name for name, padded in zip(integers, found or (), strict=False) if padded]


def _column(name: str, plain: str) -> str:
    value = _name(name)
    if plain in KEYS:
        value = f"nullif(trim({value}::VARCHAR), '')"
    elif plain in TEXTS:
        value = f"{value}::VARCHAR"
    elif plain == MOMENT:
        value = f"{value}::TIMESTAMP"
    return f"{value} AS {_name(plain)}"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
