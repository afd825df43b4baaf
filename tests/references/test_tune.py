"""Thresholds from labels, against counting."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from e2vdb.cli.app import cli
from e2vdb.errors import E2VError, UsageError
from e2vdb.references.tune import parse_label, tune

from .conftest import Voices


def write_labels(file: Path, labels: dict[str, str], key: str = "utterance_id") -> Path:
    lines = [f"{key},label", *(f"{one},{label}" for one, label in labels.items())]
    file.write_text("\n".join(lines))
    return file


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(-20, 19).map(lambda value: value / 20)), min_size=2
    ).filter(lambda pairs: len({label for label, _ in pairs}) == 2),
    st.sampled_from([0.05, 0.2, 0.5]),
)
def test_proposals_keep_their_promise(pairs: list[tuple[bool, float]], tolerance: float) -> None:
    labels = {str(place): label for place, (label, _) in enumerate(pairs)}
    scores = {str(place): score for place, (_, score) in enumerate(pairs)}
    report = tune("set", labels, scores, [], tolerance)
    good = np.array([score for label, score in pairs if label])
    bad = np.array([score for label, score in pairs if not label])
    wins = (good[:, None] > bad).mean() + (good[:, None] == bad).mean() / 2
    assert report.auc == pytest.approx(wins)
    assert report.review_threshold <= report.pass_threshold
    if report.review_threshold < report.pass_threshold:
        assert (bad >= report.pass_threshold).mean() <= tolerance
        assert (good >= report.review_threshold).mean() >= 1 - tolerance
    for rates in report.rates:
        assert rates.sensitivity == pytest.approx((good >= rates.threshold).mean())
        assert rates.specificity == pytest.approx((bad < rates.threshold).mean())


def test_labels_that_separate_get_one_threshold_between_them() -> None:
    labels = {"a": True, "b": True, "c": False, "d": False}
    report = tune("set", labels, {"a": 0.9, "b": 0.8, "c": 0.4, "d": 0.3}, [])
    assert report.auc == 1
    assert report.pass_threshold == report.review_threshold == pytest.approx(0.6)


def test_calls_of_the_set_itself_are_left_out() -> None:
    labels = {"a": True, "b": True, "c": False, "gone": False}
    report = tune("set", labels, {"a": 0.9, "b": 0.8, "c": 0.4}, ["a"])
    assert (report.good, report.bad, report.in_set, report.without_similarity) == (1, 1, 1, 1)


def test_labels_of_one_kind_are_not_enough() -> None:
    with pytest.raises(UsageError, match="1 good and 0 bad"):
        tune("set", {"a": True}, {"a": 0.9}, [])


@pytest.mark.parametrize(
    ("label", "means"),
    [
        *[(label, True) for label in ("good", " PASS ", 1, 1.0, True, "1")],
        *[(label, False) for label in ("Bad", "risk", 0, "0", False)],
        *[(label, None) for label in (None, "")],
    ],
)
def test_spellings_of_labels(label: object, means: bool | None) -> None:
    assert parse_label(label) is means


def test_a_word_that_is_no_label_is_named() -> None:
    with pytest.raises(UsageError, match="'maybe'"):
        parse_label("maybe")


def test_command_reads_a_file_and_prints_rates(voices: Voices, tmp_path: Path) -> None:
    labels = {one: "good" if place < 25 else "bad" for place, one in enumerate(voices.ids)}
    file = write_labels(tmp_path / "labels.csv", labels, "output_dir")
    arguments = ["--db", voices.db.address.uri, "reference", "tune", "good", "--labels", str(file)]
    printed = CliRunner().invoke(cli, arguments)
    assert "on 17 good and 15 bad calls" in printed.output
    report = json.loads(CliRunner().invoke(cli, [*arguments, "--json"]).stdout)
    mean = (voices.units @ voices.units[:8].T).mean(axis=1)
    good, bad = mean[8:25], mean[25:]
    assert report["auc"] == pytest.approx((good[:, None] > bad).mean())
    usual = next(one for one in report["rates"] if one["name"] == "usual review")
    assert usual["sensitivity"] == pytest.approx((good >= 0.6).mean())


def test_a_file_without_labels_or_keys_is_refused(voices: Voices, tmp_path: Path) -> None:
    for text, sentence in (
        ("utterance_id,mood\ncall001,good\n", "no column label"),
        ("label\ngood\n", "no column utterance_id"),
        ("utterance_id,label\ncall020,well\n", "'well'"),
    ):
        file = tmp_path / "labels.csv"
        file.write_text(text)
        with pytest.raises(E2VError, match=sentence):
            voices.db.references.tune("good", file)
