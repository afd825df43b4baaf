"""A database's verbs for recordings: embed them, hear one, keep the model's head."""

import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from e2vdb.errors import BusyError, InputError, StorageError, UsageError
from e2vdb.verbs.loading import Loading

if TYPE_CHECKING:
    from e2vdb.audio import Recognition
    from e2vdb.audio.options import EmbedOptions
    from e2vdb.audio.recogniser import Recogniser
    from e2vdb.audio.summary import EmbedSummary, EmbedTalk
    from e2vdb.loading.ingest import Talk
    from e2vdb.loading.summary import IngestSummary


def names_recording(query: str) -> bool:
    """Whether a text has the suffix of a file with sound in it."""
    from e2vdb.audio.inputs import SUFFIXES

    return Path(query).suffix.lower() in SUFFIXES


def is_recording(query: str) -> bool:
    """Whether a text names a file with sound in it, by its suffix."""
    return names_recording(query) and Path(query).expanduser().is_file()


class Recordings(Loading):
    """What `Database` adds for recordings; all of it needs the extra `audio`."""

    def embed(
        self,
        words: Iterable[str | os.PathLike[str]],
        out: str | os.PathLike[str],
        options: "EmbedOptions | None" = None,
        *,
        talk: "EmbedTalk | None" = None,
        ingest_talk: "Talk | None" = None,
    ) -> "tuple[EmbedSummary, IngestSummary | None]":
        """Recognise recordings into directories below `out`, ingest them, keep the head.

        `words` are files, folders, patterns or lists. The model must give vectors of the
        database's length: that is checked before it hears anything. Nothing is ingested by a
        run that Ctrl-C ended.
        """
        from e2vdb.audio.embed import embed
        from e2vdb.audio.options import EmbedOptions
        from e2vdb.audio.recogniser import recogniser
        from e2vdb.audio.summary import SILENT

        self._check_writable()
        options = options or EmbedOptions()
        summary = embed(words, out, options, talk or SILENT, self._check_model)
        if summary.interrupted:
            return summary, None
        ingested = self.ingest(summary.out, talk=ingest_talk)
        if not self._has_head() and (summary.made or summary.done_before):
            self._keep_head(recogniser(options.model, options.device))
        ingested.notes += self._several_models()
        return summary, ingested

    def recognise(
        self, recording: str | os.PathLike[str], model: str | None = None
    ) -> "Recognition":
        """Return what a recording sounds like to the model that made this database's calls.

        Its head is kept in a database that has none yet. Raises `UsageError` where no row
        names a model and none is given, or where the vectors do not fit.
        """
        from e2vdb.audio import recognise
        from e2vdb.audio.extra import check_installed
        from e2vdb.audio.recogniser import recogniser

        check_installed()
        if model is None:
            model = self._own_model()
            try:
                loaded = recogniser(model)
            except InputError as error:
                raise UsageError(
                    f"{error} The calls of {self.address} were recognised with it; say with "
                    "--model where it is on this machine."
                ) from error
        else:
            loaded = recogniser(model)
        self._check_model(loaded)
        found = recognise(recording, model)
        # Searching is reading: a database that cannot be written now is searched all the same.
        with suppress(BusyError, StorageError, UsageError):
            if not self._has_head():
                self._keep_head(loaded, wait=False)
        return found

    def _own_model(self) -> str:
        """Return the model that recognised most calls."""
        rows = self._rows(
            "SELECT model FROM utterances WHERE model IS NOT NULL "
            "GROUP BY model ORDER BY count(*) DESC, model LIMIT 1"
        )
        if not rows:
            raise UsageError(
                f"No call in {self.address} says which model recognised it; name the model "
                "with --model."
            )
        return str(rows[0][0])

    def _several_models(self) -> list[str]:
        rows = self._rows(
            "SELECT DISTINCT model FROM utterances WHERE model IS NOT NULL ORDER BY ALL"
        )
        if len(rows) < 2:
            return []
        names = ", ".join(str(name) for (name,) in rows)
        return [f"Calls of several models are in one database ({names}): they do not compare."]

    def _rows(self, query: str) -> list[tuple[object, ...]]:
        found = self.sql(query)
        return found.fetchall() if found is not None else []

    def _check_model(self, loaded: "Recogniser") -> None:
        """Raise `UsageError` where a model's vectors have another length than the database's."""
        if not self._store.exists() or self._store.undecided:
            return
        if loaded.dimension != self._store.dimension:
            raise UsageError(
                f"{loaded.name} gives vectors of {loaded.dimension} values, {self.address} holds "
                f"vectors of {self._store.dimension}; use another --db for another model."
            )

    def _has_head(self) -> bool:
        from e2vdb.store.tables import HEADS_TABLE

        return bool(self._store.dataset(HEADS_TABLE).count_rows())

    def _keep_head(self, loaded: "Recogniser", *, wait: bool = True) -> None:
        """Store the model's own classifier, so that SQL can score vectors and frames."""
        from e2vdb.head.fill import put_head
        from e2vdb.head.head import Head

        if loaded.head is None or self._store.dimension != loaded.dimension:
            return
        source = f"{loaded.name} {loaded.revision}"
        head = Head(0, source, loaded.head.weight, loaded.head.bias, datetime.now(UTC))
        with self._writing(wait=wait):
            put_head(self._store, head)
