"""Merging the small fragments that frequent commits leave, without touching the large ones."""

from e2vdb.store.store import Store, storage_errors
from e2vdb.store.tables import TABLES

FEW = 24
"""Fragments of one size that may stand beside one another before they are merged."""

TIERS = (4_096, 65_536)
"""Rows that merged fragments have. A row is rewritten once a tier, however long the table grows."""


def compact_small(store: Store) -> int:
    """Merge small fragments where there are many; return how many there were too many.

    The caller holds the writer lock.
    """
    gone = 0
    for table in TABLES:
        for rows in TIERS:
            dataset = store.dataset(table)
            small = [one for one in dataset.get_fragments() if one.physical_rows < rows]
            enough = FEW if rows == TIERS[0] else FEW + rows // TIERS[0]
            if len(small) < enough:
                continue
            with storage_errors(store.address):
                done = dataset.optimize.compact_files(target_rows_per_fragment=rows)
            gone += done.fragments_removed - done.fragments_added
    return gone
