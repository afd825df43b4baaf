"""One voice assessed in one call: how it feels, whether it is of concern, and why."""

from typing import Any

import numpy as np
import pyarrow.compute as pc

from e2vdb.clustering.model import Clustering
from e2vdb.clustering.store import fits_in_use, read_clustering
from e2vdb.errors import UsageError
from e2vdb.ingest.labels import EMOTIONS
from e2vdb.query.asked import Asked, Recognise, asked
from e2vdb.query.assessment import Assessment, ComparedSet, NearestCall, Reasons
from e2vdb.query.search import Searcher
from e2vdb.query.session import Session
from e2vdb.query.snapshot import Snapshot
from e2vdb.references.profile import read_profile
from e2vdb.references.quality import check_thresholds
from e2vdb.store.commits import one_of


class Assessor:
    """Assesses with what is stored now; what it read is kept until another commit changes it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._sets: dict[tuple[Any, ...], ComparedSet] = {}
        self._clusterings: dict[tuple[Any, ...], Clustering | None] = {}

    def assess(
        self,
        what: Any,
        recognise: Recognise,
        *,
        reference: str | None,
        clustering: str | None,
        k: int,
        least: tuple[float, float],
    ) -> Assessment:
        """Return the assessment; `Database.assess` says of what."""
        check_thresholds(*least)
        if k < 1:
            raise UsageError(f"k must be at least 1, not {k}.")
        tables, searcher = self._session.snapshot, self._session.searcher
        compared = self._set(tables, reference)
        clusters = self._clustering(tables, clustering)
        voice = asked(what, tables, recognise)
        reasons = Reasons(voice)
        similarity = verdict = None
        if compared is not None:
            similarity, verdict = _compare(voice, compared, least)
            reasons.of_reference(compared, similarity, verdict, least)
        nearest = _nearest(searcher, voice, k)
        reasons.of_nearest(nearest)
        number, label = _cluster(tables, voice, clusters)
        if clusters is not None and number is not None:
            reasons.of_cluster(clusters.name, number, label)
        return Assessment(
            voice.emotion,
            verdict,
            similarity,
            number,
            nearest,
            tuple(reasons.found),
            voice.scores,
            None if compared is None else compared.profile.name,
            None if clusters is None else clusters.name,
            label,
        )

    def _set(self, tables: Snapshot, name: str | None) -> ComparedSet | None:
        sets, utterances = tables["reference_sets"], tables["utterances"]
        name = _only_set(tables) if name is None else name
        if name is None:
            return None
        key = (name, sets.version, utterances.version)
        if key not in self._sets:
            profile = read_profile(sets, utterances, name)
            wanted = one_of("utterance_id", profile.ids.to_pylist())
            rows = utterances.to_table(columns=list(EMOTIONS), filter=wanted)
            means = {one: pc.mean(rows[one]).as_py() for one in EMOTIONS}
            known = {one: mean for one, mean in means.items() if mean is not None}
            self._sets = {key: ComparedSet(profile, known)}
        return self._sets[key]

    def _clustering(self, tables: Snapshot, name: str | None) -> Clustering | None:
        clusters, centroids = tables["clusters"], tables["cluster_centroids"]
        key = (name, clusters.version, centroids.version)
        if key not in self._clusterings:
            fits = fits_in_use(clusters)
            newest = max(fits, key=lambda one: (fits[one], one), default=None)
            chosen = newest if name is None else name
            found = None if chosen is None else read_clustering(clusters, centroids, chosen)
            self._clusterings = {key: found}
        return self._clusterings[key]


def _only_set(tables: Snapshot) -> str | None:
    """Return the one set's name, None without one. Raises `UsageError` where there are more."""
    names = sorted(
        pc.unique(tables["reference_sets"].to_table(columns=["name"])["name"]).to_pylist()
    )
    if len(names) > 1:
        raise UsageError(
            f"There are {len(names)} reference sets, {', '.join(names)}: name one with reference."
        )
    return names[0] if names else None


def _compare(voice: Asked, compared: ComparedSet, least: tuple[float, float]) -> tuple[float, str]:
    unit = voice.vector / np.linalg.norm(voice.vector)
    similarity = float(unit @ compared.profile.mean)
    verdict = "pass" if similarity >= least[0] else "review" if similarity >= least[1] else "risk"
    return similarity, verdict


def _nearest(searcher: Searcher, voice: Asked, k: int) -> tuple[NearestCall, ...]:
    if not len(searcher):
        return ()
    wanted = k + (voice.utterance_id is not None)
    found, _, state = searcher.search(voice.vector[None, :], wanted)
    rows = searcher.table(found[0], state).to_pylist()
    others = [row for row in rows if row["utterance_id"] != voice.utterance_id][:k]
    return tuple(
        NearestCall(row["utterance_id"], row["similarity"], row["at"], row["agent"], row["emotion"])
        for row in others
    )


def _cluster(
    tables: Snapshot, voice: Asked, clustering: Clustering | None
) -> tuple[int | None, str | None]:
    if clustering is None:
        return None, None
    distiller = tables.distiller()
    points = clustering.points(voice.vector[None, :].astype(np.float32), distiller)
    assigned, _ = clustering.assign(points, clustering.centres(distiller))
    number = int(assigned[0])
    return number, clustering.labels[number] if number >= 0 else None
