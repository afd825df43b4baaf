"""Names of files and folders as text that can be stored."""


def printable(path: str) -> str:
    r"""Return a path as valid text; bytes that are no UTF-8 become `\xNN`."""
    if path.isascii():
        return path
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def is_hidden(path: str) -> bool:
    """Whether a path's last part begins with a dot, as `.part` and `.Trash` do."""
    return path.rpartition("/")[2].startswith(".")
