"""Errors that a user can mend: one sentence that names the value and the remedy."""


class E2VError(Exception):
    """Anything e2vdb tells its user; the command line prints it without a traceback."""


class AddressError(E2VError):
    """The database address cannot be opened or is not an e2vdb database."""


class InputError(E2VError):
    """An input file or folder is missing or cannot be understood."""


class UsageError(E2VError):
    """A setting, name or parameter has a value that does not fit."""


class BusyError(E2VError):
    """Another writer holds the database."""


class StorageError(E2VError):
    """Writing failed: a full disk, missing permission, an object store that answers no."""
