"""The warning `duplicate`: it depends on all rows, so it is settled after an ingest."""

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from e2vdb.store.commits import replace
from e2vdb.store.store import Store
from e2vdb.store.tables import UTTERANCES

DUPLICATE = "duplicate"
_BATCH = 4096


def settle_duplicates(store: Store) -> int:
    """Make `duplicate` stand on every row whose content came in before under another id.

    Returns how many rows carry it now. Rows are compared by content hash, so running it again
    changes nothing, and a row whose twin has changed loses the warning.
    """
    rows = store.dataset(UTTERANCES).to_table(columns=["content_hash", "warnings"])
    hashes, warned = rows["content_hash"], pc.list_flatten(rows["warnings"])
    marked = pc.sum(pc.equal(warned, DUPLICATE)).as_py() or 0
    if not marked and pc.count_distinct(hashes).as_py() == len(hashes):
        return 0
    wanted, wrong = _compare(store)
    for start in range(0, len(wrong), _BATCH):
        _rewrite(store, wrong[start : start + _BATCH], wanted)
    return len(wanted)


def _compare(store: Store) -> tuple[set[str], list[str]]:
    """Return the ids that should carry the warning, and those that wrongly do or do not."""
    columns = ["content_hash", "ingested_at", "utterance_id", "warnings"]
    rows = store.dataset(UTTERANCES).to_table(columns=columns)
    with duckdb.connect() as connection:
        connection.register("stored", rows)
        found = connection.execute(
            f"SELECT utterance_id, row_number() OVER same > 1 AS wants, "
            f"list_contains(warnings, '{DUPLICATE}') AS has FROM stored "
            "WINDOW same AS (PARTITION BY content_hash ORDER BY ingested_at, utterance_id) "
            "QUALIFY wants OR has ORDER BY utterance_id"
        ).fetchall()
    wanted = {one for one, wants, _ in found if wants}
    return wanted, [one for one, wants, has in found if wants is not has]


def _rewrite(store: Store, ids: list[str], wanted: set[str]) -> None:
    dataset = store.dataset(UTTERANCES)
    listed = ", ".join("'" + one.replace("'", "''") + "'" for one in ids)
    rows = dataset.to_table(filter=f"utterance_id IN ({listed})")
    warnings = [
        [code for code in codes if code != DUPLICATE] + ([DUPLICATE] if one in wanted else [])
        for one, codes in zip(
            rows["utterance_id"].to_pylist(), rows["warnings"].to_pylist(), strict=True
        )
    ]
    index = rows.schema.get_field_index("warnings")
    field = rows.schema.field(index)
    rows = rows.set_column(index, field, pa.array(warnings, field.type))
    replace(store, UTTERANCES, ["utterance_id"], rows, f"duplicates: {len(ids)} rows")
