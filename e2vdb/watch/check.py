"""Which of these calls are a matter for an alert: the reference set's verdict, then SQL."""

import time
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from e2vdb.errors import UsageError
from e2vdb.query.few_calls import few_calls, filtered, view_calls
from e2vdb.query.lockdown import locked_connection
from e2vdb.query.snapshot import Snapshot
from e2vdb.references.profile import Profile, read_profile
from e2vdb.references.quality import ROWS, check_thresholds, compare, quality_rows
from e2vdb.store.store import Store
from e2vdb.store.vectors import matrix, unit_rows
from e2vdb.watch.alerts import Alert, Rule, make_alert, now

PROFILE_S = 60.0
"""How long a reference set's vectors are believed to be what they were."""

_CHECKED = ("similarity", "nearest_id", "nearest_similarity", "verdict")


class Checker:
    """Compares calls with one rule. Use from one thread; close it."""

    def __init__(self, store: Store, rule: Rule, *, say: Callable[[str], None]) -> None:
        self._rule, self._say = rule, say
        self._snapshot = Snapshot(store)
        self._connection = locked_connection()
        self._profile: Profile | None = None
        self._profile_at = 0.0

    def validate(self) -> None:
        """Raise `UsageError` for a set that is not there or a condition that cannot be used."""
        check_thresholds(*self._rule.least)
        if self._rule.reference is not None:
            self._profile = self._read_profile(self._rule.reference)
            self._profile_at = time.monotonic()
        rows, vectors = few_calls(self._snapshot, [])
        try:
            self._select(rows, vectors).fetchall()
        except duckdb.Error as error:
            raise UsageError(self._reason(error)) from error

    def _reason(self, error: duckdb.Error) -> str:
        reason = str(error).split("\n", 1)[0]
        text = f"The alert condition {self._rule.condition!r} cannot be used: {reason}"
        if self._rule.reference is None and any(f'"{name}"' in reason for name in _CHECKED):
            return f"{text} (verdict and similarity need a --reference)."
        return text if text.endswith((".", "!")) else f"{text}."

    def check(self, ids: Collection[str], since: datetime | None = None) -> list[Alert]:
        """Return an alert for each of these calls that fulfils the condition, by id.

        Calls that were ingested at `since` or before are not asked.
        """
        self._snapshot.refresh()
        rows, vectors = few_calls(self._snapshot, ids)
        if since is not None:
            new = pc.greater(rows["ingested_at"], pa.scalar(since, rows["ingested_at"].type))
            rows, vectors = rows.filter(new), vectors.filter(new)
        moment = now()
        # A microsecond apart, so that their order is kept wherever they are stored.
        return [
            make_alert(self._rule, row, moment + timedelta(microseconds=place))
            for place, row in enumerate(self._fulfilling(rows, vectors))
        ]

    def _fulfilling(self, rows: pa.Table, vectors: pa.Table) -> list[dict[str, Any]]:
        if not rows.num_rows:
            return []
        try:
            return self._rows(rows, vectors)
        except (duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException) as error:
            self._say(f"{rows.num_rows:,} calls were not checked. {self._reason(error)}")
            return []
        except duckdb.Error as error:
            if rows.num_rows == 1:
                named = rows["utterance_id"][0].as_py()
                self._say(f"{named} could not be checked: {str(error).split(chr(10), 1)[0]}")
                return []
        found = []  # one call's values fail the condition: the others are asked one by one
        for place in range(rows.num_rows):
            found += self._fulfilling(rows.slice(place, 1), vectors.slice(place, 1))
        return found

    def _rows(self, rows: pa.Table, vectors: pa.Table) -> list[dict[str, Any]]:
        found = self._select(rows, vectors).order("utterance_id").to_arrow_table()
        return list(found.to_pylist())

    def _select(self, rows: pa.Table, vectors: pa.Table) -> duckdb.DuckDBPyRelation:
        view_calls(self._connection, rows)
        if self._rule.reference is None:
            return filtered(self._connection.table("calls"), self._rule.condition)
        self._connection.register("_checked", self._quality(vectors))
        there = {name.lower() for name in rows.column_names}
        taken = [name for name in _CHECKED if name in there]
        other = f"EXCLUDE ({', '.join(taken)})" if taken else ""
        # Metadata of such a name gives way: the rule speaks of the check.
        both = self._connection.sql(
            f"SELECT calls.* {other}, {', '.join(f'_checked.{name}' for name in _CHECKED)} "
            "FROM calls LEFT JOIN _checked USING (utterance_id)"
        )
        return filtered(both, self._rule.condition)

    def _quality(self, vectors: pa.Table) -> pa.Table:
        profile = self._current_profile()
        known = vectors.filter(pc.is_valid(vectors["embedding"])).combine_chunks()
        if profile is None or not known.num_rows:
            return ROWS.empty_table()
        units = unit_rows(matrix(known["embedding"].combine_chunks()))
        ids = known["utterance_id"].combine_chunks()
        return quality_rows(compare(ids, units, profile), profile, self._rule.least)

    def _current_profile(self) -> Profile | None:
        moment, name = time.monotonic(), self._rule.reference
        if name is not None and moment - self._profile_at > PROFILE_S:
            self._profile_at = moment
            try:
                self._profile = self._read_profile(name)
            except UsageError as error:
                self._say(f"{error} Its calls of before are compared with.")
        return self._profile

    def _read_profile(self, name: str) -> Profile:
        return read_profile(self._snapshot["reference_sets"], self._snapshot["utterances"], name)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
