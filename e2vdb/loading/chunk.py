"""The commits of an ingest: many jobs' outcomes, committed together, in an order that can stop.

Frames go first and `utterances` after them, so a row that is seen is complete; file times go
last, so a directory counts as done only when its row is committed. Whatever is missing after a
crash is read again by the next run, and frames without a row are replaced then.
"""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from e2vdb.ingest.rejects import Reject
from e2vdb.loading.catalogue import Catalogue
from e2vdb.loading.summary import IngestSummary
from e2vdb.loading.worker import Outcome
from e2vdb.store.commits import commit, find, overwrite, stage
from e2vdb.store.store import Store
from e2vdb.store.tables import FRAMES, REJECTS, REJECTS_TABLE, SOURCES_TABLE, UTTERANCES

ROWS_A_COMMIT = 100_000
EXAMPLES = 5


class Chunk:
    """Outcomes that wait for their commit."""

    def __init__(self, store: Store, catalogue: Catalogue, summary: IngestSummary) -> None:
        self._store, self._catalogue, self._summary = store, catalogue, summary
        self._outcomes: list[Outcome] = []

    @property
    def rows(self) -> int:
        """Rows staged and not yet committed."""
        return sum(one.inserted + len(one.updated) for one in self._outcomes)

    def add(self, outcome: Outcome) -> None:
        """Take in what a job did."""
        self._outcomes.append(outcome)

    def commit(self) -> None:
        """Commit everything taken in, table by table, and count it."""
        outcomes, self._outcomes = self._outcomes, []
        if not outcomes:
            return
        updated = [one for outcome in outcomes for one in outcome.updated]
        inserted = sum(outcome.inserted for outcome in outcomes)
        why = f"ingest: {inserted} inserted, {len(updated)} updated"
        self._commit_frames(outcomes, updated, why)
        self._commit_rejects(outcomes, why)
        rows = [text for outcome in outcomes for text in outcome.staged_rows]
        dataset = self._store.dataset(UTTERANCES)
        commit(self._store, UTTERANCES, rows, find(dataset, ["utterance_id"], updated), why)
        self._commit_stamps(outcomes, why)
        self._count(outcomes)

    def _commit_frames(self, outcomes: list[Outcome], updated: list[str], why: str) -> None:
        written = [one for outcome in outcomes for one in outcome.with_frames]
        staged = [text for outcome in outcomes for text in outcome.staged_frames]
        dataset = self._store.dataset(FRAMES)
        old = {*updated, *written} if dataset.count_rows() else set()
        commit(self._store, FRAMES, staged, find(dataset, ["utterance_id"], old), why)

    def _commit_rejects(self, outcomes: list[Outcome], why: str) -> None:
        """Bring `rejects` up to date; a reject seen before keeps its first date."""
        known = self._catalogue.rejects
        now = datetime.now(UTC)
        changed = False
        for outcome in outcomes:
            for key in outcome.mended:
                changed = known.pop(key, None) is not None or changed
            for reject in outcome.rejects:
                changed = _note(known, reject, now) or changed
        if changed:
            rows = pa.Table.from_pylist(list(known.values()), schema=REJECTS)
            overwrite(self._store, REJECTS_TABLE, rows, why)

    def _commit_stamps(self, outcomes: list[Outcome], why: str) -> None:
        stamps = pa.concat_tables([outcome.stamps for outcome in outcomes]).combine_chunks()
        if not stamps.num_rows:
            return
        key = ["utterance_id", "source_dir"]
        pairs = zip(*(stamps.column(name).to_pylist() for name in key), strict=True)
        keys = ["\n".join(pair) for pair in self._catalogue.seen(pairs)]
        old = find(self._store.dataset(SOURCES_TABLE), key, keys)
        staged = stage(self._store.address, SOURCES_TABLE, stamps, stamps.schema)
        commit(self._store, SOURCES_TABLE, staged, old, why)

    def _count(self, outcomes: list[Outcome]) -> None:
        summary = self._summary
        for outcome in outcomes:
            summary.inserted += outcome.inserted
            summary.updated += len(outcome.updated)
            summary.unchanged += outcome.unchanged
            summary.frames += outcome.frames
            summary.links_not_followed += outcome.links
            summary.reject_codes += Counter(reject.code for reject in outcome.rejects)
            for key in outcome.rejected_before:
                summary.reject_codes[self._catalogue.rejects[key]["code"]] += 1
            room = EXAMPLES - len(summary.reject_examples)
            summary.reject_examples += [
                f"{reject.code}: {reject.path}: {reject.detail}"
                for reject in outcome.rejects[:room]
            ]


def _note(known: dict[tuple[str, str], dict[str, Any]], reject: Reject, now: datetime) -> bool:
    """Put a reject among the known ones; False where it stands there already."""
    key = (reject.utterance_id, reject.source_dir)
    row = {
        "utterance_id": reject.utterance_id,
        "source_dir": reject.source_dir,
        "path": reject.path,
        "code": reject.code,
        "detail": reject.detail,
    }
    old = known.get(key)
    if old is not None and all(old[name] == value for name, value in row.items()):
        return False
    known[key] = {**row, "seen_at": now}
    return True
