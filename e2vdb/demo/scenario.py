"""The invented contact centre: its calendar, people, products and what happens to them."""

from dataclasses import dataclass
from datetime import date, timedelta

from e2vdb.demo.truth import Launch, Training

EMOTIONS = (
    "angry", "disgusted", "fearful", "happy", "neutral", "other", "sad", "surprised", "unknown",
)  # fmt: skip
ANGER_KINDS = ("hot", "cold", "tired", "sarcastic", "impatient")

FIRST_DAY = date(2024, 1, 1)
DAYS = tuple(FIRST_DAY + timedelta(days=i) for i in range(26 * 7))
WEEKDAY_VOLUME = (1.15, 1.0, 1.0, 1.0, 0.95, 0.2, 0.0)
MONDAY_NEGATIVE = 0.04

TRAINING = Training("calm voices training", team="华北组", day=date(2024, 3, 13))
TRAINING_EFFECT = 0.38

PRODUCTS = ("宽带", "手机套餐", "智能音箱", "云存储", "TV Box")
PRODUCT_SHARE = (0.28, 0.27, 0.15, 0.14, 0.16)
LAUNCH = Launch(
    "smart speaker launch",
    product="智能音箱",
    day=date(2024, 5, 31),
    peak_from=date(2024, 6, 3),
    peak_until=date(2024, 6, 6),
)
PEAK_VOLUME, PEAK_PRODUCT_SHARE = 3.5, 0.8

LONG_ANGRY_AGENT = "赵磊"
LONG_ANGRY_FROM, LONG_ANGRY_UNTIL = date(2024, 4, 15), date(2024, 6, 28)


@dataclass(frozen=True, slots=True)
class Agent:
    """A speaker: share of negative calls, of anger within them, and of happy in the others."""

    name: str
    team: str
    negative: float
    angry: float
    happy: float
    anger_kind: str


AGENTS = (
    Agent("张伟", "华北组", 0.50, 0.40, 0.20, "hot"),
    Agent("李娜", "华北组", 0.54, 0.30, 0.25, "tired"),
    Agent("agent_03", "华北组", 0.47, 0.35, 0.20, "impatient"),
    Agent("王芳", "华北组", 0.52, 0.35, 0.30, "cold"),
    Agent("刘洋", "华南组", 0.14, 0.40, 0.60, "sarcastic"),
    Agent("陈静", "华南组", 0.18, 0.30, 0.45, "tired"),
    Agent("agent_07", "华南组", 0.24, 0.55, 0.20, "hot"),
    Agent(LONG_ANGRY_AGENT, "华南组", 0.24, 0.50, 0.20, "cold"),
    Agent("杨帆", "online", 0.20, 0.25, 0.35, "impatient"),
    Agent("agent_10", "online", 0.28, 0.45, 0.15, "sarcastic"),
    Agent("周敏", "online", 0.16, 0.30, 0.50, "cold"),
    Agent("agent_12", "online", 0.26, 0.50, 0.25, "sarcastic"),
)


@dataclass(frozen=True, slots=True)
class Mood:
    """Probability that a call is negative, and that a negative call is angry."""

    negative: float
    angry: float


def is_peak(day: date) -> bool:
    """Tell whether the complaints about the launched product peak on `day`."""
    return LAUNCH.peak_from <= day <= LAUNCH.peak_until


def is_long_angry(agent: Agent, day: date) -> bool:
    """Tell whether `day` is one of the long-angry agent's working days in the angry weeks."""
    in_period = LONG_ANGRY_FROM <= day <= LONG_ANGRY_UNTIL and day.weekday() < 5
    return agent.name == LONG_ANGRY_AGENT and in_period


def is_available(agent: Agent, day: date) -> bool:
    """Tell whether the agent takes calls: a team in training takes none."""
    return not (agent.team == TRAINING.team and day == TRAINING.day)


def mood(agent: Agent, product: str, day: date) -> Mood:
    """Return the planted mood of an agent's calls about a product on a day."""
    if is_long_angry(agent, day):
        return Mood(0.92, 0.92)
    if product == LAUNCH.product and is_peak(day):
        return Mood(0.92, 0.6)
    trained = agent.team == TRAINING.team and day > TRAINING.day
    negative = agent.negative * (TRAINING_EFFECT if trained else 1.0)
    return Mood(negative + (MONDAY_NEGATIVE if day.weekday() == 0 else 0.0), agent.angry)


def day_volume(day: date) -> float:
    """Return a day's relative number of calls."""
    return WEEKDAY_VOLUME[day.weekday()] * (PEAK_VOLUME if is_peak(day) else 1.0)
