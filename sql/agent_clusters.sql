-- Which clusters does each agent's voice fall into? agent_clusters(clustering)
-- dominant_cluster is the agent's most frequent one, by its label where it has one.
CREATE OR REPLACE MACRO agent_clusters(clustering) AS TABLE
WITH assigned AS (
    SELECT * FROM clusters WHERE is_clustering(clustering) AND clusters.name = clustering
),
counted AS (
    SELECT agent, assigned.cluster, any_value(assigned.label) AS label, count(*) AS n
    FROM assigned JOIN calls USING (utterance_id)
    WHERE agent IS NOT NULL
    GROUP BY agent, assigned.cluster
)
SELECT
    agent,
    cluster,
    label,
    n AS calls,
    n / sum(n) OVER of_agent AS share,
    share / (sum(n) OVER (PARTITION BY cluster) / sum(n) OVER ()) AS lift,
    first_value(coalesce(label, cluster::VARCHAR)) OVER (
        PARTITION BY agent ORDER BY n DESC, cluster) AS dominant_cluster
FROM counted
WINDOW of_agent AS (PARTITION BY agent)
ORDER BY agent, cluster;
