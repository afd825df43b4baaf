"""A database's verbs for taking directories and metadata in."""

import os
from typing import TYPE_CHECKING, Any

from e2vdb.errors import UsageError
from e2vdb.verbs.analysis import Analysis

if TYPE_CHECKING:
    from e2vdb.loading.ingest import IngestOptions, Talk
    from e2vdb.loading.metadata import MetadataSummary
    from e2vdb.loading.summary import IngestSummary


class Loading(Analysis):
    """What fills a database; calls that come in join the clusterings that there are."""

    def ingest(
        self,
        path: str | os.PathLike[str],
        *,
        metadata: str | os.PathLike[str] | None = None,
        options: "IngestOptions | None" = None,
        talk: "Talk | None" = None,
        **choices: Any,
    ) -> "IngestSummary":
        """Bring the database up to date with every output directory below `path`.

        `choices` are the fields of `IngestOptions`: source, frames, dimension, variance,
        workers, reread, wait. Metadata is loaded after the directories.
        """
        from e2vdb.loading.ingest import SILENT, IngestOptions, ingest
        from e2vdb.loading.metadata_file import read_metadata_file

        self._check_writable()
        if metadata is not None:
            read_metadata_file(metadata)  # a wrong file is better found before an hour's work
        try:
            options = options or IngestOptions(**choices)
        except TypeError as error:
            raise UsageError(f"ingest: {error}.") from error
        summary = ingest(self._store, path, options, talk or SILENT)
        if metadata is not None and not summary.interrupted:
            summary.metadata = self.load_metadata(metadata)
        elif not summary.interrupted:
            summary.notes += self._assign_clusters(wait=options.wait)
        self._keep_up()
        return summary

    def load_metadata(
        self, path: str | os.PathLike[str], *, wait: bool = True
    ) -> "MetadataSummary":
        """Put what a CSV, Parquet or JSON file says of each call over the stored metadata."""
        from e2vdb.loading.metadata import load_metadata

        self._check_writable()
        summary = load_metadata(self._store, path, wait=wait)
        summary.notes.extend(self._assign_clusters(wait=wait))
        self._keep_up()
        return summary
