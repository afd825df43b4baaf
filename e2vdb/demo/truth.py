"""The facts planted in a demo tree, for tests and for readers of its answers."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date

Ids = tuple[str, ...]
"""Directory paths below `outputs/`, separated by `/`: what an ingest calls utterance ids."""


@dataclass(frozen=True, slots=True)
class Launch:
    """A product launch; calls about the product turn negative on the days of the peak."""

    event: str
    product: str
    day: date
    peak_from: date
    peak_until: date


@dataclass(frozen=True, slots=True)
class Training:
    """A training day of one team, whose negativity is lower from the next day on."""

    event: str
    team: str
    day: date


@dataclass(frozen=True, slots=True)
class DemoTruth:
    """Every planted truth of one demo tree; the same content is in its `truth.json`.

    `anger_kinds` names the kind of every regular call recorded as angry, `outbursts` the second
    at which a frame call's outburst begins. `rejects` and `warnings` list, per code, the
    directories that deserve it; no other directory does. `duplicates` maps a copy to its
    original, `without_result` are the embeddings that have no result.json and no warning code.
    """

    calls: int
    seed: int
    long_angry_agent: str
    long_angry_from: date
    long_angry_until: date
    launch: Launch
    training: Training
    anger_kinds: Mapping[str, str]
    outbursts: Mapping[str, float]
    outburst_s: float
    rejects: Mapping[str, Ids]
    warnings: Mapping[str, Ids]
    duplicates: Mapping[str, str]
    without_result: Ids

    def to_json(self) -> str:
        """Return the facts as a JSON object, dates as `YYYY-MM-DD`."""
        facts = {"synthetic": True, **asdict(self)}
        return json.dumps(facts, ensure_ascii=False, indent=1, default=date.isoformat) + "\n"
