"""What an assessment says, and the sentences that say why."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from e2vdb.bands import DIMENSION, POOR_QUALITY, band_sums
from e2vdb.query.asked import Asked
from e2vdb.references.profile import Profile


@dataclass(frozen=True, slots=True)
class NearestCall:
    """A stored call that sounds like the assessed one; `similarity` is the cosine."""

    utterance_id: str
    similarity: float
    at: datetime | None
    agent: str | None
    emotion: str | None


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a voice is, as a CRM wants to know it while the customer is still on the line.

    `emotion` is one of the nine names; None where neither a result nor a head says one.
    `verdict` (pass, review, risk) and `similarity` (mean cosine, -1..1) compare with a reference
    set; None without one. `cluster` is the number in the clustering, -1 for none of its
    clusters, None where nothing was clustered. `nearest` are stored calls, the nearest first.
    `reasons` are sentences for people. `scores` are the nine, 0..1, where they are known.
    """

    emotion: str | None
    verdict: str | None
    similarity: float | None
    cluster: int | None
    nearest: tuple[NearestCall, ...]
    reasons: tuple[str, ...]
    scores: Mapping[str, float] | None = None
    reference: str | None = None
    clustering: str | None = None
    cluster_label: str | None = None


@dataclass(frozen=True, slots=True)
class ComparedSet:
    """A reference set as it is compared with: its profile, and its calls' mean scores."""

    profile: Profile
    mean_scores: Mapping[str, float]


class Reasons:
    """Sentences that say why a voice is assessed as it is."""

    def __init__(self, voice: Asked) -> None:
        self._voice = voice
        self.found: list[str] = []
        if voice.quality is not None and voice.quality < POOR_QUALITY:
            self.found.append(
                f"The recording's quality is {voice.quality:.2f} of 1: what follows is unsure."
            )

    def of_reference(
        self, compared: ComparedSet, similarity: float, verdict: str, least: tuple[float, float]
    ) -> None:
        """Say how the voice stands to the reference set, and where it differs."""
        profile = compared.profile
        bound = {
            "pass": f"at least {least[0]:.2f}, which passes",
            "review": f"between {least[1]:.2f} and {least[0]:.2f}, which wants a review",
            "risk": f"below {least[1]:.2f}, where risk begins",
        }[verdict]
        self.found.append(
            f"The similarity to {profile.name} is {similarity:.3f}, {bound}; "
            f"the set's own calls have {profile.similarity:.2f} on average."
        )
        if verdict != "pass":
            self._where(profile, profile.similarity - similarity)
        self._scores(compared)

    def _where(self, profile: Profile, gap: float) -> None:
        unit = self._voice.vector / np.linalg.norm(self._voice.vector)
        terms = profile.mean * (profile.mean - unit)
        if len(unit) == DIMENSION:
            name, part = max(band_sums(terms).items(), key=lambda one: one[1])
            self.found.append(
                f"Of the gap of {gap:.2f}, {part:.2f} lies in the dimensions {name}, "
                "more than in the other bands (a rule of thumb)."
            )
        largest = np.argsort(-terms, kind="stable")[:3]
        named = ", ".join(str(one) for one in largest)
        self.found.append(f"The dimensions that differ most are {named}.")

    def _scores(self, compared: ComparedSet) -> None:
        emotion, scores = self._voice.emotion, self._voice.scores
        if emotion is None or scores is None or emotion not in scores:
            return
        text = f"{emotion} scores {scores[emotion]:.2f}"
        if emotion in compared.mean_scores:
            usual = compared.mean_scores[emotion]
            text += f"; the calls of {compared.profile.name} have {usual:.2f} on average"
        self.found.append(f"{text}.")

    def of_nearest(self, nearest: tuple[NearestCall, ...]) -> None:
        """Say what the nearest calls feel like."""
        feelings = Counter(one.emotion for one in nearest if one.emotion is not None)
        if feelings:
            emotion, count = min(feelings.items(), key=lambda one: (-one[1], one[0]))
            calls = f"Of the {len(nearest)} nearest calls" if len(nearest) > 1 else "The nearest"
            verb = f"{count} {'is' if count == 1 else 'are'}" if len(nearest) > 1 else "call is"
            self.found.append(f"{calls} {verb} {emotion}.")

    def of_cluster(self, name: str, number: int, label: str | None) -> None:
        """Say which cluster the voice belongs to."""
        if number < 0:
            self.found.append(f"It fits no cluster of {name}.")
        else:
            named = "" if label is None else f" ({label})"
            self.found.append(f"It belongs to cluster {number}{named} of {name}.")
