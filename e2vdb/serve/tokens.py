"""The token that clients must show: from a file, the environment, or made up."""

import os
import secrets
from pathlib import Path

from e2vdb.errors import InputError, UsageError

VARIABLE = "E2VDB_TOKEN"
SHORTEST = 4
"""What Quack itself asks for."""


def chosen_token(file: Path | None) -> str | None:
    """Return the token from FILE, else from E2VDB_TOKEN, else None.

    Raises InputError for a file that cannot be read or is empty, UsageError for a token that is
    too short; neither repeats the token.
    """
    if file is not None:
        try:
            token = file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"The token file {file} cannot be read as text.") from error
        return _checked(token, f"The token in {file}")
    if VARIABLE in os.environ:
        return _checked(os.environ[VARIABLE].strip(), f"The token in {VARIABLE}")
    return None


def new_token() -> str:
    """Return a token that cannot be guessed, 43 letters, digits, - and _."""
    return secrets.token_urlsafe(32)


def _checked(token: str, where: str) -> str:
    if len(token) < SHORTEST:
        raise UsageError(f"{where} has {len(token)} characters; it needs {SHORTEST} or more.")
    return token
