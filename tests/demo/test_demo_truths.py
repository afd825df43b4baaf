"""Each planted truth can be measured in the written files, and is absent elsewhere."""

from datetime import timedelta

import numpy as np
import pytest
from scipy.stats import chi2_contingency
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import cross_val_score


def longest_run(flags: list[bool]) -> int:
    longest = run = 0
    for flag in flags:
        run = run + 1 if flag else 0
        longest = max(longest, run)
    return longest


def angry_days(demo, agent: str) -> list[bool]:
    """For each day on which the agent took calls: was at least half of them angry?"""
    own = demo.agent == agent
    return [bool(demo.angry[own & (demo.day == d)].mean() >= 0.5) for d in np.unique(demo.day[own])]


def test_one_agent_is_angry_on_most_days_for_weeks(demo) -> None:
    truth = demo.truth
    runs = {agent: longest_run(angry_days(demo, agent)) for agent in np.unique(demo.agent)}
    assert runs.pop(truth.long_angry_agent) >= 15
    assert max(runs.values()) <= 6
    period = (demo.day >= truth.long_angry_from) & (demo.day <= truth.long_angry_until)
    own = demo.agent == truth.long_angry_agent
    assert demo.angry[own & period].mean() > 0.7
    assert demo.angry[own & ~period].mean() < 0.3


def before_and_after(demo, team: str) -> tuple[float, float, float]:
    """Return the negative shares 28 days before and after the training, and the p-value."""
    days = np.array([d.days for d in demo.day - demo.truth.training.day])
    own = demo.team == team
    before, after = (
        demo.negative[own & (days >= -28) & (days < 0)],
        demo.negative[own & (days > 0) & (days <= 28)],
    )
    table = [[part.sum(), (~part).sum()] for part in (before, after)]
    return before.mean(), after.mean(), chi2_contingency(table, correction=False).pvalue


def test_negativity_falls_after_the_training_in_that_team_only(demo) -> None:
    trained = demo.truth.training.team
    before, after, p = before_and_after(demo, trained)
    assert before > after + 0.15
    assert p < 0.01
    for team in set(demo.team) - {trained}:
        assert before_and_after(demo, team)[2] > 0.05


def test_complaints_peak_after_the_launch(demo) -> None:
    launch = demo.truth.launch
    assert launch.peak_from == launch.day + timedelta(days=3)
    assert launch.peak_until == launch.day + timedelta(days=6)
    peak = (demo.day >= launch.peak_from) & (demo.day <= launch.peak_until)
    launched = demo.product == launch.product
    assert demo.negative[peak & launched].mean() > 0.8
    assert demo.negative[~peak & launched].mean() < 0.45
    assert demo.negative[peak & ~launched].mean() < 0.6


def test_the_peak_days_stand_out_against_the_same_weekdays_before(demo) -> None:
    launch = demo.truth.launch
    share = {d: demo.negative[demo.day == d].mean() for d in np.unique(demo.day)}
    for day in (launch.peak_from + timedelta(days=i) for i in range(4)):
        earlier = [s for d, s in share.items() if d < day and d.weekday() == day.weekday()]
        spread = 1.4826 * np.median(np.abs(np.array(earlier) - np.median(earlier)))
        assert share[day] - np.median(earlier) > 3 * spread


@pytest.mark.parametrize("distilled", [False, True])
def test_k_means_finds_the_five_kinds_of_anger(demo, distilled: bool) -> None:
    vectors = PCA(0.95).fit_transform(demo.units) if distilled else demo.units
    angry = [name for name, is_angry in zip(demo.names, demo.angry, strict=True) if is_angry]
    assert angry == list(demo.truth.anger_kinds)
    found = KMeans(5, n_init=3, random_state=42).fit_predict(vectors[demo.angry])
    assert adjusted_rand_score(list(demo.truth.anger_kinds.values()), found) >= 0.95


def test_pca_keeps_95_percent_in_a_few_dozen_dimensions(demo) -> None:
    assert 16 <= PCA(0.95).fit(demo.units).n_components_ <= 40


def test_emotion_follows_from_the_embedding_but_not_always(demo) -> None:
    vectors = PCA(0.95).fit_transform(demo.units)
    scores = cross_val_score(LogisticRegression(C=100, max_iter=2000), vectors, demo.emotion)
    assert 0.85 <= scores.mean() <= 0.97


def test_each_outburst_begins_at_its_second(demo) -> None:
    classifier = LogisticRegression(C=10, max_iter=2000).fit(demo.units, demo.emotion)
    for name, second in demo.truth.outbursts.items():
        frames = np.load(demo.outputs / name / "frame_embeddings.npy")
        frames /= np.linalg.norm(frames, axis=1, keepdims=True)
        angry = np.flatnonzero(classifier.predict(frames) == "angry") * 0.02
        assert angry[0] == pytest.approx(second, abs=0.1)
        assert angry[-1] == pytest.approx(second + demo.truth.outburst_s, abs=0.1)


def test_the_outburst_is_what_lies_farthest_from_the_utterance(demo) -> None:
    for name, second in demo.truth.outbursts.items():
        frames = np.load(demo.outputs / name / "frame_embeddings.npy")
        whole = np.load(demo.outputs / name / "embedding.npy")[0]
        cosine = frames @ whole / np.linalg.norm(frames, axis=1) / np.linalg.norm(whole)
        farthest = np.argsort(cosine)[:50] * 0.02
        assert farthest.min() >= second - 0.1
        assert farthest.max() <= second + demo.truth.outburst_s + 0.1
