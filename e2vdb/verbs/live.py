"""The verbs of a database that is in use while calls come in: watch, alerts, assess."""

import os
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import duckdb

from e2vdb.references.quality import PASS, REVIEW
from e2vdb.verbs.recordings import Recordings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from e2vdb.query.assess import Assessor
    from e2vdb.query.assessment import Assessment
    from e2vdb.watch.options import WatchOptions, WatchSummary


class Live(Recordings):
    """What `Database` adds for the running business."""

    _assessor: "Assessor | None" = None

    def assess(
        self,
        what: "str | os.PathLike[str] | NDArray[Any]",
        *,
        reference: str | None = None,
        clustering: str | None = None,
        k: int = 10,
        model: str | None = None,
        least_pass: float = PASS,
        least_review: float = REVIEW,
    ) -> "Assessment":
        """Return what a voice is without storing it: feeling, verdict, nearest calls, reasons.

        `what` is an utterance id, an output directory, a .npy file, a vector (D,), or a recording
        (which takes the extra `audio` and is recognised with `model`). Without `reference` the
        only set is taken, without `clustering` the newest. Raises `UsageError` and `InputError`.
        """
        from e2vdb.query.assess import Assessor

        session = self._session()
        if self._assessor is None:
            self._assessor = Assessor(session)
        return self._assessor.assess(
            what,
            lambda path: self.recognise(path, model),
            reference=reference,
            clustering=clustering,
            k=k,
            least=(least_pass, least_review),
        )

    def watch(
        self,
        folder: str | os.PathLike[str],
        *,
        options: "WatchOptions | None" = None,
        stop: threading.Event | None = None,
        say: Callable[[str], None] = lambda _: None,
        **choices: Any,
    ) -> "WatchSummary":
        """Take directories in as they are finished, and post alerts, until `stop` is set.

        `choices` are the fields of `WatchOptions`: reference, alert_when, alert_url,
        alert_format, least_pass, least_review, settle_s, poll, quiet_start, source, frames,
        dimension. Ctrl-C ends it too; `say` is told a sentence a batch, perhaps by two threads.
        """
        from e2vdb.watch.options import watch_options
        from e2vdb.watch.watcher import watch

        self._check_writable()
        summary = watch(
            self._store,
            folder,
            options or watch_options(**choices),
            assign=self._assign_clusters,
            stop=stop or threading.Event(),
            say=say,
        )
        self._keep_up()
        return summary

    def alerts(self, status: str | None = None) -> duckdb.DuckDBPyRelation:
        """Return the relation `alerts`, newest first: all, or those pending, sent or failed."""
        from e2vdb.watch.alerts import check_status

        check_status(status)
        query = "FROM alerts WHERE $status IS NULL OR status = $status ORDER BY created_at DESC"
        relation = self.sql(query, {"status": status})
        assert relation is not None  # noqa: S101 - a SELECT always has rows
        return relation

    def send_again(self, ids: Iterable[str] = (), *, wait: bool = True) -> int:
        """Make failed alerts pending again, all or those named; return how many.

        The running or next watch of their folder posts them.
        """
        from e2vdb.watch.outbox import send_again

        with self._writing(wait=wait):
            return send_again(self._store, list(ids))

    def close(self) -> None:
        """Close every connection, and forget what `assess` has read."""
        self._assessor = None
        super().close()
