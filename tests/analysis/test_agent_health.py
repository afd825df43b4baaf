"""Agent health: the long-angry agent is found, small samples accuse nobody."""

from conftest_analysis import rows_of
from scipy import stats


def by_agent(db, call: str = "agent_health()") -> dict[str, dict]:
    return {row["agent"]: row for row in rows_of(db, f"FROM {call}")}


def test_only_the_long_angry_agent_is_at_risk(db, planted) -> None:
    found = by_agent(db)
    at_risk = [agent for agent, row in found.items() if row["status"] == "at_risk"]
    assert at_risk == [planted.truth["long_angry_agent"]]
    worst = found[at_risk[0]]
    assert worst["rank"] == 1
    assert worst["longest_angry_run"] >= 15
    assert max(r["longest_angry_run"] for a, r in found.items() if a != at_risk[0]) <= 6


def test_before_the_angry_weeks_nobody_is_at_risk(db, planted) -> None:
    found = by_agent(db, f"agent_health(until := '{planted.truth['long_angry_from']}')")
    assert found[planted.truth["long_angry_agent"]]["status"] == "healthy"
    assert "at_risk" not in {row["status"] for row in found.values()}


def test_nobody_stands_out_where_calls_are_dealt_anew(shuffled) -> None:
    assert {row["status"] for row in by_agent(shuffled).values()} == {"healthy"}


def test_small_samples_say_so(db) -> None:
    found = by_agent(db, "agent_health(since := '2024-06-20', until := '2024-06-25')")
    assert {row["status"] for row in found.values()} == {"small_sample"}
    assert {row["rank"] for row in found.values()} == {None}


def test_shares_runs_and_slopes_agree_with_pandas(db) -> None:
    calls = db.sql(
        'SELECT agent, emotion, negative, "at" AS moment FROM calls '
        "WHERE agent IS NOT NULL AND emotion IS NOT NULL ORDER BY moment"
    ).df()
    found = by_agent(db)
    assert set(found) == set(calls["agent"])
    for agent, own in calls.groupby("agent"):
        row = found[agent]
        angry = own["emotion"] == "angry"
        days = angry.groupby(own["moment"].dt.date).mean() >= 0.5
        longest = run = 0
        for day in days:
            run = run + 1 if day else 0
            longest = max(longest, run)
        assert (row["calls"], row["longest_angry_run"]) == (len(own), longest)
        weeks = own["moment"].astype("datetime64[us]").astype("int64") / 1e6 / 604_800
        slope = stats.linregress(weeks, own["negative"].astype(float)).slope
        assert abs(row["slope"] - slope) < 1e-6
        assert abs(row["angry_days_share"] - days.mean()) < 1e-9
        interval = stats.binomtest(int(own["negative"].sum()), len(own)).proportion_ci(
            0.95, method="wilson"
        )
        assert abs(row["negative_low"] - interval.low) < 1e-9
        assert abs(row["negative_high"] - interval.high) < 1e-9
