"""Questions that a dashboard asks, of the published file and of the live database."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """One question: as it is asked of the file, and of `e2vdb sql`."""

    published: str
    live: str


def both(query: str) -> Question:
    return Question(query, query)


def _weekly(moment: str) -> str:
    return (
        f"SELECT date_trunc('week', {moment})::DATE::VARCHAR AS week, count(*) AS calls, "
        f"avg(negative::INTEGER) AS negative FROM calls WHERE {moment} IS NOT NULL "
        "GROUP BY 1 ORDER BY 1"
    )


WEEKLY = Question(_weekly("at_local"), _weekly('"at"'))
AGENTS = both(
    "SELECT agent, count(*) AS calls, avg(negative::INTEGER) AS negative FROM calls "
    "WHERE agent IS NOT NULL GROUP BY agent ORDER BY negative DESC, agent"
)
CLUSTERS = both(
    "SELECT cluster, count(*) / sum(count(*)) OVER () AS share FROM clusters "
    "WHERE name = 'all' GROUP BY cluster ORDER BY cluster"
)
QUESTIONS = {
    "weekly trend": WEEKLY,
    "agents by negative share": AGENTS,
    "cluster shares": CLUSTERS,
    "emotions in Chinese": both(
        "SELECT DISTINCT emotion, emotion_zh(emotion) AS zh FROM calls "
        "WHERE emotion IS NOT NULL ORDER BY emotion"
    ),
    "one agent's calls": both(
        "SELECT utterance_id, emotion FROM calls WHERE agent = '赵磊' ORDER BY utterance_id"
    ),
    "a table macro": both(
        "SELECT agent, calls, negative_share FROM agent_health() ORDER BY calls DESC, md5(agent)"
    ),
}
