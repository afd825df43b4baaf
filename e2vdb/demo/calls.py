"""The plan of calls: who spoke with whom, when, about what, and with which emotion."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np

from e2vdb.demo import scenario
from e2vdb.demo.scenario import AGENTS, ANGER_KINDS, DAYS, PRODUCTS, Agent

OPENS = time(9)
OPEN_SECONDS = 9 * 3600
AMBIGUOUS_SHARE = 0.25
NEGATIVE_REST = {"sad": 0.5, "disgusted": 0.25, "fearful": 0.25}
POSITIVE_REST = {"neutral": 0.7, "surprised": 0.12, "other": 0.1, "unknown": 0.08}


@dataclass(frozen=True, slots=True)
class Call:
    """One planned call; `leaning` is the emotion it could be confused with, `lean` how nearly."""

    at: datetime
    agent: Agent
    customer: str
    product: str
    emotion: str
    anger_kind: str | None = None
    leaning: str | None = None
    lean: float = 0.0
    job_s: int = 4

    @property
    def name(self) -> str:
        """Return the base name the WebUI would give the output directory."""
        return f"outputs_{self.at:%Y%m%d_%H%M%S}"


def plan_calls(calls: int, seed: int) -> list[Call]:
    """Return `calls` planned calls in order of time, no two in the same second."""
    rng = np.random.default_rng([seed, 1])
    volume = np.array([scenario.day_volume(day) for day in DAYS])
    counts = rng.multinomial(calls, volume / volume.sum())
    customers = max(10, calls // 4)
    return [
        call
        for day, n in zip(DAYS, counts, strict=True)
        for call in _plan_day(day, int(n), customers, rng)
    ]


def _plan_day(day: date, n: int, customers: int, rng: np.random.Generator) -> list[Call]:
    opening = datetime.combine(day, OPENS)
    seconds = np.sort(rng.choice(OPEN_SECONDS, size=n, replace=False))
    agents = _agents_on(day, n, rng)
    return [
        _plan_call(opening + timedelta(seconds=int(s)), agent, customers, rng)
        for s, agent in zip(seconds, agents, strict=True)
    ]


def _agents_on(day: date, n: int, rng: np.random.Generator) -> list[Agent]:
    """Deal the day's calls; the long-angry agent has two on each day of the angry weeks."""
    staff = [agent for agent in AGENTS if scenario.is_available(agent, day)]
    dealt = [staff[i] for i in rng.integers(len(staff), size=n)]
    angry = [agent for agent in staff if scenario.is_long_angry(agent, day)]
    for position in (0, n // 2) if angry and n >= 6 else ():
        dealt[position] = angry[0]
    return dealt


def _plan_call(at: datetime, agent: Agent, customers: int, rng: np.random.Generator) -> Call:
    product = pick(PRODUCTS, _product_shares(at.date()), rng)
    emotion = _draw_emotion(agent, product, at.date(), rng)
    leaning, lean = _draw_leaning(emotion, rng)
    return Call(
        at=at,
        agent=agent,
        customer=_customer(int(rng.integers(customers))),
        product=product,
        emotion=emotion,
        anger_kind=_draw_anger_kind(agent, rng) if emotion == "angry" else None,
        leaning=leaning,
        lean=lean,
        job_s=int(rng.integers(2, 10)),
    )


def pick(names: Sequence[str], weights: Sequence[float], rng: np.random.Generator) -> str:
    """Draw one name with probability proportional to its weight."""
    bounds = np.cumsum(weights)
    return names[int(np.searchsorted(bounds, rng.random() * bounds[-1], side="right"))]


def _product_shares(day: date) -> Sequence[float]:
    if not scenario.is_peak(day):
        return scenario.PRODUCT_SHARE
    rest = 1.0 - scenario.PEAK_PRODUCT_SHARE
    launched = scenario.LAUNCH.product
    return [
        scenario.PEAK_PRODUCT_SHARE if product == launched else share * rest
        for product, share in zip(PRODUCTS, scenario.PRODUCT_SHARE, strict=True)
    ]


def _draw_emotion(agent: Agent, product: str, day: date, rng: np.random.Generator) -> str:
    mood = scenario.mood(agent, product, day)
    if rng.random() < mood.negative:
        likely, share, rest = "angry", mood.angry, NEGATIVE_REST
    else:
        likely, share, rest = "happy", agent.happy, POSITIVE_REST
    return likely if rng.random() < share else pick(list(rest), list(rest.values()), rng)


def _draw_leaning(emotion: str, rng: np.random.Generator) -> tuple[str | None, float]:
    """Make some calls ambiguous; never with anger, whose five kinds have to stay apart."""
    if emotion == "angry" or rng.random() >= AMBIGUOUS_SHARE:
        return None, 0.0
    others = [name for name in scenario.EMOTIONS if name not in ("angry", emotion)]
    return others[int(rng.integers(len(others)))], float(rng.uniform(0.3, 0.7))


def _draw_anger_kind(agent: Agent, rng: np.random.Generator) -> str:
    usual = rng.random() < 0.4
    return agent.anger_kind if usual else ANGER_KINDS[int(rng.integers(len(ANGER_KINDS)))]


def _customer(number: int) -> str:
    if number % 2:
        return f"customer_{number:05d}"
    surname, title = "王李张刘陈杨赵黄周吴"[number // 2 % 10], ("女士", "先生")[number // 20 % 2]
    return f"{surname}{title} {number:05d}"
