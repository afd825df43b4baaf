"""A Quack server over a published file: locked down before it listens, moving with the file."""

import socket
import sys
import tempfile
from importlib.resources import files
from ipaddress import ip_address
from pathlib import Path
from time import monotonic
from typing import Any

import duckdb

from e2vdb.errors import E2VError, UsageError
from e2vdb.serve.extension import load_quack
from e2vdb.serve.publication import Publication, attach, detach, show, signature_of

LINGER_S = 5.0
"""How long a replaced file stays attached for queries that are just beginning."""


class Server:
    """Answers queries on a published file until it is closed.

    The file is opened read-only with external access off and the configuration locked; every
    query passes gate.sql first. `refresh()` moves sessions to a file that was published anew.
    """

    def __init__(
        self, file: Path, token: str, host: str, port: int, extension: Path | None = None
    ) -> None:
        self.file = file.absolute()
        signature_of(self.file)
        self.address = f"quack:{f'[{host}]' if ':' in host else host}:{port}"
        self._spill = tempfile.TemporaryDirectory(prefix="e2vdb-serve-")
        self._count = 0
        self._gone: list[tuple[float, Publication]] = []
        self._connection = duckdb.connect(
            config={
                "python_enable_replacements": False,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "temp_directory": self._spill.name,
            }
        )
        try:
            self._lock_down(extension)
            self._now = self._next()
            show(self._connection, self.file, self._now)
            _require_free(host, port)
            self._listen(token, other_hosts=host not in ("localhost", "127.0.0.1", "::1"))
        except BaseException:
            self._connection.close()
            self._spill.cleanup()
            raise

    def published(self) -> dict[str, Any]:
        """Return the columns of the served file's `meta`."""
        result = self._connection.execute(f"FROM {self._now.name}.main.meta LIMIT 1")
        names = [column[0] for column in result.description or ()]
        row = result.fetchall()
        return dict(zip(names, row[0], strict=True)) if row else {}

    def refresh(self) -> bool:
        """Serve the file that lies there now; return whether it is another than before.

        Queries that run finish on the old one. Raises InputError when the new file cannot be
        served; the old one is served on.
        """
        self._let_go()
        if signature_of(self.file) == self._now.signature:
            return False
        coming = self._next()
        show(self._connection, self.file, coming)
        self._gone.append((monotonic(), self._now))
        self._now = coming
        return True

    def stop(self) -> None:
        """Stop listening."""
        self._connection.execute("CALL quack_stop($1)", [self.address])
        self._spill.cleanup()

    def close(self) -> None:
        """Stop listening and let go of the file."""
        self.stop()
        self._connection.close()

    def _lock_down(self, extension: Path | None) -> None:
        """Load Quack, then let the connection reach the published file and no other.

        In this order: nothing can be loaded once external access is off.
        """
        connection = self._connection
        load_quack(connection, extension)
        connection.execute("ATTACH ':memory:' AS gate")
        connection.execute("CREATE MACRO gate.main.published() AS []::VARCHAR[]")
        connection.execute(files(__package__).joinpath("gate.sql").read_text("utf-8"))
        connection.execute("SET GLOBAL quack_authorization_function = 'gate.main.permit'")
        reachable = ", ".join(
            "'" + str(path).replace("'", "''") + "'" for path in (self.file, f"{self.file}.wal")
        )
        connection.execute(f"SET allowed_paths = [{reachable}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")

    def _let_go(self) -> None:
        """Detach files of the past, once nobody can be about to read them.

        A session that has looked up a view a moment ago still needs the file behind it.
        """
        while self._gone and monotonic() - self._gone[0][0] >= LINGER_S:
            _, past = self._gone.pop(0)
            detach(self._connection, past.name)

    def _next(self) -> Publication:
        self._count += 1
        return attach(self._connection, self.file, f"published_{self._count}")

    def _listen(self, token: str, *, other_hosts: bool) -> None:
        try:
            self._connection.execute(
                "CALL quack_serve($1, token = $2, allow_other_hostname = $3)",
                [self.address, token, other_hosts],
            ).fetchall()
        except duckdb.Error as error:
            reason = str(error).strip().splitlines()[0].replace(token, "…")
            raise E2VError(f"Quack does not listen at {self.address}: {reason}") from error


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a host name or address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _require_free(host: str, port: int) -> None:
    """Raise UsageError unless the port can be had: Quack itself would share it silently."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise UsageError(f"The host {host!r} cannot be found: {error.strerror}.") from error
    with socket.socket(family, kind) as probe:
        if sys.platform != "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            reason = error.strerror or "in use"
            raise UsageError(
                f"Port {port} of {host} cannot be had ({reason}); choose another with --port."
            ) from error
