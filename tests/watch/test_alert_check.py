"""Which calls fulfil a condition, with the verdict that `quality_check` gives them."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

import e2vdb
from e2vdb.errors import UsageError
from e2vdb.store.address import resolve
from e2vdb.store.store import Store
from e2vdb.watch.alerts import Rule
from e2vdb.watch.check import Checker


@pytest.fixture(scope="module")
def address(demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    address = demo.copy(tmp_path_factory.mktemp("checked"))
    with e2vdb.connect(address) as db:
        db.references.add("excellent", where="agent = '周敏' AND emotion = 'happy'")
    return address


def checker(address: Path, condition: str, reference: str | None = None, **more: object) -> Checker:
    said: list[str] = []
    made = Checker(Store(resolve(address)), Rule(condition, reference, **more), say=said.append)
    made.said = said  # type: ignore[attr-defined]
    return made


def every_id(address: Path) -> list[str]:
    with e2vdb.connect(address) as db:
        return [one for (one,) in db.sql("SELECT utterance_id FROM calls").fetchall()]


def found(address: Path, condition: str, reference: str | None = None, **more: object) -> list[str]:
    one = checker(address, condition, reference, **more)
    one.validate()
    alerts = one.check(every_id(address))
    one.close()
    return [alert.utterance_id for alert in alerts]


def test_a_call_of_concern(address: Path) -> None:
    condition = "verdict = 'risk' OR angry > 0.8"
    query = (
        "SELECT utterance_id FROM calls LEFT JOIN quality_check('excellent') USING (utterance_id) "
        f"WHERE {condition} ORDER BY utterance_id"
    )
    with e2vdb.connect(address) as db:
        expected = [one for (one,) in db.sql(query).fetchall()]
    assert 5 < len(expected) < 300
    assert found(address, condition, "excellent") == expected


def test_values_as_quality_check_has_them(address: Path) -> None:
    one = checker(address, "true", "excellent", least=(0.9, 0.7))
    alerts = {alert.utterance_id: alert.payload for alert in one.check(every_id(address))}
    one.close()
    with e2vdb.connect(address) as db:
        rows = db.sql("FROM quality_check('excellent', pass := 0.9, review := 0.7)").fetchall()
    assert len(alerts) == 320
    assert {verdict for *_, verdict in rows} == {"pass", "review", "risk"}
    for utterance_id, similarity, nearest, nearest_similarity, verdict in rows:
        payload = alerts[utterance_id]
        assert payload["similarity"] == pytest.approx(similarity, abs=1e-6)
        assert payload["nearest_similarity"] == pytest.approx(nearest_similarity, abs=1e-6)
        assert (payload["nearest_id"], payload["verdict"]) == (nearest, verdict)
    alone = [one for one in alerts.values() if one["verdict"] is None]
    assert len(alone) == 320 - len(rows)


@pytest.mark.parametrize(
    "condition",
    [
        "emotion = 'angry'",
        "negative AND at >= '2024-03-01'",
        "agent = '周敏' OR team IS NULL",
        "list_contains(warnings, 'norm_outlier') -- a remark",
        "confidence BETWEEN 0.5 AND 0.6 AND ingested_at IS NOT NULL",
    ],
)
def test_conditions_over_calls(address: Path, condition: str) -> None:
    with e2vdb.connect(address) as db:
        query = f"SELECT utterance_id FROM calls WHERE {condition}\n ORDER BY utterance_id"
        expected = [one for (one,) in db.sql(query).fetchall()]
    assert expected
    assert found(address, condition) == expected


@pytest.mark.parametrize(
    ("condition", "reference", "part"),
    [
        ("angri > 0.8", None, "angri"),
        ("angry >", None, "cannot be used"),
        ("verdict = 'risk'", None, "need a --reference"),
        ("similarity < 0.5", None, "need a --reference"),
        ("emotion > 5", None, "cannot be used"),
        ("count(*) > 1", None, "cannot be used"),
        ("true) OR (true", None, "cannot be used"),
        ("angry IN (SELECT a FROM read_csv('/etc/passwd'))", None, "cannot be used"),
        ("true", "nobody", "There is no reference set 'nobody'; there are excellent."),
    ],
)
def test_what_cannot_be_used_is_said_at_the_start(
    address: Path, condition: str, reference: str | None, part: str
) -> None:
    one = checker(address, condition, reference)
    with pytest.raises(UsageError) as raised:
        one.validate()
    one.close()
    assert part in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_value_that_fails_the_condition_hides_no_other(address: Path) -> None:
    one = checker(address, "CAST(agent AS INTEGER) = 7 OR emotion = 'angry'")
    one.validate()
    ids = every_id(address)[:40]
    alerts = one.check(ids)
    one.close()
    with e2vdb.connect(address) as db:
        query = "SELECT utterance_id FROM calls WHERE agent IS NULL AND emotion = 'angry'"
        expected = {one for (one,) in db.sql(query).fetchall()} & set(ids)
    assert {alert.utterance_id for alert in alerts} == expected
    assert len(one.said) > 1  # type: ignore[attr-defined]
    assert "could not be checked" in one.said[0]  # type: ignore[attr-defined]


def test_older_calls_are_not_asked(address: Path) -> None:
    one = checker(address, "true")
    assert one.check(every_id(address), datetime.now(UTC)) == []
    assert len(one.check(every_id(address), datetime(2020, 1, 1, tzinfo=UTC))) == 320
    assert one.check([]) == []
    one.close()


def test_metadata_columns_named_like_the_checks(address: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(address, tmp_path / "db"))
    one = every_id(copy)[0]
    (tmp_path / "m.csv").write_text(f"utterance_id,verdict,similarity\n{one},mine,9\n")
    with e2vdb.connect(copy) as db:
        db.load_metadata(tmp_path / "m.csv")
    assert found(copy, "verdict = 'mine'", "excellent") == []
    assert found(copy, "verdict = 'mine' AND similarity = 9") == [one]
