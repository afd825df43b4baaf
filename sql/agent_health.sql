-- Which agents need attention? agent_health(since := NULL, until := NULL)
-- angry day: half of the agent's calls of that day or more were angry; longest_angry_run counts
-- such working days in a row; slope is the change of the negative share a week; rank 1 has the
-- largest share. stands_out: the share is above that of everybody else's calls (two-proportion
-- z-test, Benjamini-Hochberg over the agents, below 0.05).
-- at_risk: stands_out, and 10 angry days in a row or every third day angry.
-- watch: stands_out, or 7 angry days in a row, or the share rises (t > 3). healthy: none of these.
-- small_sample: fewer than 30 calls, so nothing is said and no rank given.
-- dominant_cluster is the agent's most frequent one in the newest clustering.
CREATE OR REPLACE MACRO agent_health(since := NULL, until := NULL) AS TABLE
WITH chosen AS (
    SELECT utterance_id, agent, "at", emotion = 'angry' AS angry, negative
    FROM calls
    WHERE agent IS NOT NULL AND negative IS NOT NULL
        AND (since IS NULL OR "at" >= since::TIMESTAMP)
        AND (until IS NULL OR "at" < until::TIMESTAMP)
),
totals AS (
    SELECT
        agent, count(*) AS calls,
        sum(negative::INT) AS negatives,
        avg(angry::INT) AS angry_share,
        regr_slope(negative::INT, epoch("at") / 604800) AS slope,
        corr(negative::INT, epoch("at") / 604800) AS rising
    FROM chosen GROUP BY agent
),
days AS (
    SELECT agent, "at"::DATE AS day, avg(angry::INT) >= 0.5 AS angry_day
    FROM chosen WHERE "at" IS NOT NULL GROUP BY agent, day
),
runs AS (
    SELECT agent, angry_day, count(*) AS length
    FROM (
        SELECT *, row_number() OVER (PARTITION BY agent ORDER BY day)
            - row_number() OVER (PARTITION BY agent, angry_day ORDER BY day) AS run
        FROM days
    )
    GROUP BY agent, angry_day, run
),
day_facts AS (
    SELECT agent,
        sum(length) FILTER (angry_day) / sum(length) AS angry_days_share,
        coalesce(max(length) FILTER (angry_day), 0) AS longest_angry_run
    FROM runs GROUP BY agent
),
newest AS (
    SELECT name FROM cluster_centroids ORDER BY fitted_at DESC, name LIMIT 1
),
in_clusters AS (
    SELECT chosen.agent, coalesce(clusters.label, clusters.cluster::VARCHAR) AS cluster, count(*) AS n
    FROM clusters JOIN chosen USING (utterance_id)
    WHERE clusters.name = (SELECT name FROM newest) AND clusters.cluster >= 0
    GROUP BY ALL
),
dominant AS (
    SELECT agent, arg_max(cluster, n ORDER BY cluster) AS dominant_cluster
    FROM in_clusters GROUP BY agent
),
beside_others AS (
    SELECT
        *,
        sum(negatives) OVER () - negatives AS other_negatives,
        sum(calls) OVER () - calls AS other_calls
    FROM totals
),
compared AS (
    SELECT
        *,
        CASE WHEN calls >= 30 AND other_calls > 0
            THEN two_proportion_p(negatives, calls, other_negatives, other_calls) END AS p,
        negatives / calls > other_negatives / nullif(other_calls, 0) AS above,
        rising * sqrt((calls - 2) / nullif(1 - rising * rising, 0)) AS t
    FROM beside_others LEFT JOIN day_facts USING (agent) LEFT JOIN dominant USING (agent)
),
placed AS (
    SELECT *, row_number() OVER (ORDER BY p) AS place, count(p) OVER () AS tests FROM compared
),
judged AS (
    SELECT
        *,
        calls >= 30 AS enough,
        above AND min(p * tests / place) OVER (
            ORDER BY place DESC ROWS UNBOUNDED PRECEDING) < 0.05 AS stands_out
    FROM placed
)
SELECT
    agent,
    calls,
    negatives / calls AS negative_share,
    wilson_low(negatives, calls) AS negative_low,
    wilson_high(negatives, calls) AS negative_high,
    angry_share,
    angry_days_share,
    longest_angry_run,
    slope,
    CASE WHEN enough THEN rank() OVER (PARTITION BY enough ORDER BY negatives / calls DESC) END
        AS rank,
    dominant_cluster,
    CASE
        WHEN NOT enough THEN 'small_sample'
        WHEN stands_out AND (longest_angry_run >= 10 OR angry_days_share >= 1 / 3) THEN 'at_risk'
        WHEN stands_out OR longest_angry_run >= 7 OR t > 3 THEN 'watch'
        ELSE 'healthy'
    END AS status
FROM judged
ORDER BY enough DESC, rank, calls DESC, agent;
