"""Before and after an event: the training's effect is found, chance has none."""

import datetime as dt

import duckdb
import numpy as np
import pytest
from conftest_analysis import rows_of
from scipy import stats

TRAINING = "FROM before_after('calm voices training')"


def test_the_training_effect_excludes_zero(db, planted) -> None:
    everyone, *agents = rows_of(db, TRAINING)
    assert everyone["scope"] == "all"
    assert everyone["ci_high"] < 0
    assert everyone["p_value"] < 0.001
    assert everyone["difference"] < -0.15
    team = {row["agent"] for row in rows_of(db, "SELECT DISTINCT agent FROM calls WHERE "
            f"team = '{planted.truth['training']['team']}'")}  # fmt: skip
    assert {row["scope"] for row in agents} == team


def test_counts_and_p_are_those_of_the_two_windows(db, planted) -> None:
    day = dt.date.fromisoformat(planted.truth["training"]["day"])
    calls = db.sql('SELECT *, "at"::DATE AS day FROM calls WHERE emotion IS NOT NULL').df()
    calls = calls[calls["team"] == planted.truth["training"]["team"]]
    days = (calls["day"].dt.date - day).apply(lambda one: one.days)
    before, after = calls[days.between(-28, -1)], calls[days.between(1, 28)]
    for row in rows_of(db, TRAINING):
        whole = row["scope"] == "all"
        b = before if whole else before[before["agent"] == row["scope"]]
        a = after if whole else after[after["agent"] == row["scope"]]
        assert (row["n_before"], row["n_after"]) == (len(b), len(a))
        assert row["negative_before"] == pytest.approx(b["negative"].mean())
        table = [
            [part["negative"].sum(), (~part["negative"].astype(bool)).sum()] for part in (b, a)
        ]
        expected = stats.chi2_contingency(table, correction=False).pvalue
        assert row["p_value"] == pytest.approx(expected, rel=1e-5)


def test_p_values_are_adjusted_for_many_agents(db) -> None:
    for event in ("calm voices training", "smart speaker launch"):
        agents = rows_of(db, "FROM before_after($e) WHERE scope <> 'all'", {"e": event})
        tested = [row for row in agents if row["p_value"] is not None]
        expected = stats.false_discovery_control([row["p_value"] for row in tested])
        assert [row["p_adjusted"] for row in tested] == pytest.approx(list(expected))
        assert all(row["p_adjusted"] is None for row in agents if row["p_value"] is None)


def test_no_effect_where_time_means_nothing(shuffled) -> None:
    everyone, *agents = rows_of(shuffled, TRAINING)
    assert everyone["ci_low"] < 0 < everyone["ci_high"]
    assert all(row["p_adjusted"] > 0.05 for row in agents)


def test_a_changed_mix_and_few_calls_are_noted(db) -> None:
    launch = rows_of(db, "FROM before_after('smart speaker launch', days := 28)")
    quiet = rows_of(db, TRAINING)[0]
    assert quiet["note"] is None
    notes = {row["scope"]: row["note"] for row in launch}
    assert any(note and "few calls" in note for scope, note in notes.items() if scope != "all")


def test_a_mix_that_changes_is_told_and_one_that_does_not_is_not(own_db, tmp_path) -> None:
    """During the peak 80 % of all calls are about one product."""
    file = tmp_path / "e.csv"
    file.write_text("name,starts_at\nboth products,2024-05-31 12:00\nnothing,2024-02-07 09:00\n")
    own_db.load_events(file)
    whole = rows_of(own_db, "FROM before_after('both products', days := 7)")[0]
    assert "mix of products changed" in whole["note"]
    assert rows_of(own_db, "FROM before_after('nothing')")[0]["note"] is None


def test_an_unknown_event_is_named(db) -> None:
    with pytest.raises(duckdb.Error, match=r"There is no event 'party'.*events load"):
        db.sql("FROM before_after('party')").fetchall()


def test_the_benjamini_hochberg_reference_is_not_trivial() -> None:
    p = np.array([0.01, 0.02, 0.5])
    assert list(stats.false_discovery_control(p)) == pytest.approx([0.03, 0.03, 0.5])
