"""Putting Python functions into a connection, in place of earlier ones of the same name."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import duckdb
from duckdb.func import FunctionNullHandling, PythonUDFType


def put_function(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    function: Callable[..., Any],
    parameters: list[Any],
    returns: str,
    **options: Any,
) -> None:
    """Add a function; a connection is equipped anew when the tables' columns change."""
    with suppress(duckdb.InvalidInputException):  # there is none yet
        connection.remove_function(name)
    connection.create_function(name, function, parameters, returns, **options)


def put_batched(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    function: Callable[..., Any],
    parameters: list[Any],
    returns: str,
    **options: Any,
) -> None:
    """Add a function over whole Arrow columns that is given NULLs too, to name them in errors."""
    put_function(
        connection,
        name,
        function,
        parameters,
        returns,
        type=PythonUDFType.ARROW,
        null_handling=FunctionNullHandling.SPECIAL,
        **options,
    )
