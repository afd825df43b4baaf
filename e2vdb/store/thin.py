"""Thinning the past of tables that are written every second.

Every version younger than a quarter of an hour stays, then, of hours with many versions, the last
one, for `keep_days`; tagged ones stay. For each version of `utterances` that stays, the versions
of the other tables that were in force then stay as well, so that `--as-of` shows what was there.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby

from e2vdb.store.history import KEPT_TAG, Version, versions
from e2vdb.store.store import Store, storage_errors
from e2vdb.store.tables import UTTERANCES, Table
from e2vdb.store.upkeep import KEEP_DAYS

FRESH = timedelta(minutes=15)
MANY = 10
"""Versions that an hour may have without being thinned: what people and scripts make."""


def moments_to_keep(
    store: Store, keep_days: float = KEEP_DAYS, now: datetime | None = None
) -> list[datetime]:
    """Return when those versions of `utterances` were made that are to stay, but for fresh ones."""
    moment = now or datetime.now().astimezone()
    past = versions(store, UTTERANCES)
    first = moment - timedelta(days=keep_days)
    young = [one.committed_at for one in past if one.committed_at > first]
    found = [one.committed_at for one in past if one.committed_at <= first][-1:]
    for _, group in groupby(young, key=_hour):
        inside = list(group)
        found += inside if len(inside) <= MANY else inside[-1:]
    return found


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def thin_versions(store: Store, table: Table, moments: Iterable[datetime]) -> int:
    """Remove a table's versions that were not in force at one of the moments and are not fresh.

    Returns how many. The caller holds the writer lock. Lance removes versions by age alone, so
    those that stay are tagged for the time being.
    """
    with storage_errors(store.address):
        dataset = store.dataset(table)
        for name in dataset.tags.list():
            if name.startswith(KEPT_TAG):  # a thinning was cut short
                dataset.tags.delete(name)
        past = versions(store, table)
        edge = datetime.now().astimezone() - FRESH
        old = [one for one in past[:-1] if one.committed_at <= edge and not one.tags]
        wanted = _in_force(past, [*moments, edge])  # what fresh moments may still see
        kept = [one.number for one in old if one.number in wanted]
        if len(old) - len(kept) < MANY:
            return 0
        for number in kept:
            dataset.tags.create(f"{KEPT_TAG}{number}", number)
        try:
            stats = dataset.cleanup_old_versions(
                older_than=FRESH, delete_unverified=True, error_if_tagged_old_versions=False
            )
        finally:
            for number in kept:
                dataset.tags.delete(f"{KEPT_TAG}{number}")
        removed: int = stats.old_versions
        return removed


def _in_force(past: list[Version], moments: Iterable[datetime]) -> set[int]:
    """Return the versions of a table that were the newest at one of these moments."""
    found: set[int] = set()
    place = 0
    for moment in sorted(moments):
        while place + 1 < len(past) and past[place + 1].committed_at <= moment:
            place += 1
        if past:
            found.add(past[place].number)
    return found
