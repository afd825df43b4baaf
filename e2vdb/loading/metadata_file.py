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
    if kind == "read_parquet" or file.suffix.lower() == ".gz" or _is_utf8(file):
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
    types = _types(connection, f"FROM {kind}($path)", readable)
    names = {name: _plain_name(name) for name in types}
    _check_names(names, file)
    source = f"FROM {kind}($path{_as_text(connection, readable, kind, types, names)})"
    types = _types(connection, source, readable)
    columns = ", ".join(_column(name, plain, types[name]) for name, plain in names.items())
    moments = [name for name, plain in names.items() if plain == MOMENT]
    for name in moments:
        _check_moments(connection, _moment(name, types[name]), name, source, readable, file)
    rows = connection.sql(f"SELECT {columns} {source}", params={"path": readable})
    table: pa.Table = rows.to_arrow_table()
    return table


def _types(connection: duckdb.DuckDBPyConnection, source: str, readable: str) -> dict[str, str]:
    described = connection.execute(f"DESCRIBE {source}", {"path": readable}).fetchall()
    return {name: kind for name, kind, *_ in described}


def _as_text(
    connection: duckdb.DuckDBPyConnection,
    readable: str,
    kind: str,
    types: dict[str, str],
    names: dict[str, str],
) -> str:
    """Return the reader's option that keeps keys, names and numbers of things as written."""
    if kind == "read_parquet":
        return ""
    texts = [name for name in names if names[name] in (*KEYS, *TEXTS)]
    texts += [name for name in names if names[name] == MOMENT and _is_text_moment(types[name])]
    if kind == "read_json":
        chosen = {**types, **dict.fromkeys(texts, "VARCHAR")}
        return f", columns = {_struct(chosen)}"
    texts += _padded(connection, readable, types)
    return f", types = {_struct(dict.fromkeys(texts, 'VARCHAR'))}"


def _is_text_moment(kind: str) -> bool:
    """Whether times are to be read from the text, so that an offset does not shift them."""
    return kind not in ("DATE", "TIMESTAMP")


def _struct(values: dict[str, str]) -> str:
    return "{" + ", ".join(f"{_text(name)}: {_text(kind)}" for name, kind in values.items()) + "}"


def _plain_name(name: str) -> str:
    """Return a column's stored name; Lance takes a dot for a field within a field."""
    stripped = name.strip().replace(".", "_")
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
    """Return columns that hold numbers of things, not numbers.

    They have leading zeros, a plus sign, or more digits than a number keeps.
    """
    numbers = [name for name, kind in types.items() if "INT" in kind or kind == "DOUBLE"]
    if not numbers:
        return []
    pattern = r"'^\s*(0\d+|\+\d+|\d{19,})\s*$'"
    checks = ", ".join(f"bool_or(regexp_matches({_name(name)}, {pattern}))" for name in numbers)
    sql = f"SELECT {checks} FROM read_csv($path, all_varchar = true)"
    found = connection.execute(sql, {"path": readable}).fetchall()[0]
    return [name for name, padded in zip(numbers, found, strict=True) if padded]


def _column(name: str, plain: str, kind: str) -> str:
    value = _name(name)
    if plain in KEYS:
        value = f"nullif(trim({value}::VARCHAR), '')"
    elif plain == MOMENT:
        value = _moment(name, kind)
    elif plain in TEXTS or kind.startswith(_KEPT_AS_TEXT):
        value = f"{value}::VARCHAR"
    return f"{value} AS {_name(plain)}"


_KEPT_AS_TEXT = ("INTERVAL", "UNION", "BIT", "ENUM", "TIME WITH TIME ZONE")
"""Types that Lance cannot store, or gives back as others."""


def _moment(name: str, kind: str) -> str:
    """Return the SQL for a time as the clock on the wall showed it, NULL where it is none.

    Names of output directories carry local time without a zone: so do calls, and an offset is
    dropped as it is for result.json.
    """
    if kind in ("DATE", "TIMESTAMP") or kind.startswith("TIMESTAMP"):
        return f"{_name(name)}::TIMESTAMP"
    bare = rf"regexp_replace(trim({_name(name)}::VARCHAR), '(:\d\d(\.\d+)?)\s*{_OFFSET}$', '\1')"
    return f"try_cast({bare} AS TIMESTAMP)"


_OFFSET = r"([zZ]|[+-]\d\d(:?\d\d)?)"


def _check_moments(
    connection: duckdb.DuckDBPyConnection,
    moment: str,
    name: str,
    source: str,
    readable: str,
    file: Path,
) -> None:
    written = f"nullif(trim({_name(name)}::VARCHAR), '')"
    wrong = f"SELECT {written} {source} WHERE {written} IS NOT NULL AND {moment} IS NULL LIMIT 1"
    found = connection.execute(wrong, {"path": readable}).fetchall()
    if found:
        raise InputError(
            f"{file}: {found[0][0]!r} in the column {name.strip()} is no time; "
            "write times as 2024-01-31 18:05:00."
        )


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
