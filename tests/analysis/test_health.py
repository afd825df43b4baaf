"""The health report: what is planted as broken is counted, sound data is left in peace."""

import pytest
from click.testing import CliRunner
from conftest_analysis import rows_of

from e2vdb.cli.app import cli


def report(db) -> dict[str, dict]:
    return {row["check"]: row for row in rows_of(db, "FROM health_report()")}


def test_what_was_planted_is_counted(db, planted) -> None:
    found = report(db)
    truth = planted.truth
    assert found["rejects"]["value"] == sum(len(names) for names in truth["rejects"].values())
    assert found["rejects"]["status"] == "look"
    warned = {name for names in truth["warnings"].values() for name in names}
    assert found["warnings"]["value"] == len(warned)
    assert found["duplicates"]["value"] == len(truth["duplicates"])
    assert found["label mismatches"]["value"] == len(truth["warnings"]["label_mismatch"])
    assert [name for name, row in found.items() if row["status"] == "look"] == ["rejects"]


def test_limits_are_proposed_from_the_data(db) -> None:
    norms = db.sql("SELECT norm FROM calls WHERE norm IS NOT NULL").df()["norm"]
    low, high = norms.quantile(0.001), norms.quantile(0.999)
    assert f"{low:.1f} to {high:.1f}" in report(db)["norms"]["detail"]
    assert "config norm_min" in report(db)["norms"]["remedy"]


def test_a_day_without_data_and_agents_without_metadata_want_a_person(own_db, tmp_path) -> None:
    calls = own_db.sql(
        "SELECT utterance_id, called_at + CASE WHEN called_at::DATE = '2024-04-10' "
        "THEN INTERVAL 1 DAY ELSE INTERVAL 0 DAY END AS called_at, "
        "CASE WHEN hash(utterance_id) % 5 > 0 THEN agent END AS agent FROM metadata"
    ).df()
    calls.to_csv(tmp_path / "moved.csv", index=False)
    own_db.load_metadata(tmp_path / "moved.csv")
    found = report(own_db)
    assert found["days without data"]["status"] == "look"
    assert "2024-04-10" in found["days without data"]["detail"]
    assert found["agents without metadata"]["status"] == "look"


@pytest.mark.parametrize(("broken", "code"), [(True, 1), (False, 0)])
def test_doctor_exits_1_when_something_needs_a_person(planted, tmp_path, broken, code) -> None:
    outputs = tmp_path / "outputs"
    names = list(planted.truth["anger_kinds"])[:12]
    for name in names:
        target = outputs / name
        target.mkdir(parents=True)
        for file in (planted.folder / "outputs" / name).iterdir():
            (target / file.name).write_bytes(file.read_bytes())
    if broken:
        (outputs / names[0] / "embedding.npy").write_bytes(b"")
    run = CliRunner()
    address = ["--db", str(tmp_path / "d.lancedb")]
    assert run.invoke(cli, [*address, "ingest", str(outputs)]).exit_code == 0
    result = run.invoke(cli, [*address, "doctor", "--format", "jsonl"], standalone_mode=False)
    assert result.exception is None
    assert result.return_value == code
    assert ("Needs a person: rejects" in result.output) is broken
