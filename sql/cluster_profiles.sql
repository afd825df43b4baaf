-- What is each cluster like? cluster_profiles(clustering)
-- lift is how many times more frequent an agent or product is here than in the whole clustering
-- (5 calls here at least); typical calls lie nearest to the centroid; cohesion is the mean distance
-- to it, separation its distance to the nearest other centroid. Calls left out by HDBSCAN are -1.
CREATE OR REPLACE MACRO cluster_profiles(clustering) AS TABLE
WITH assigned AS (
    SELECT * FROM clusters WHERE is_clustering(clustering) AND clusters.name = clustering
),
members AS (
    SELECT assigned.cluster, assigned.distance, calls.* EXCLUDE (negative), calls.negative
    FROM assigned JOIN calls USING (utterance_id)
),
agent_counts AS (
    SELECT cluster, agent, count(*) AS n,
        (n / sum(n) OVER (PARTITION BY cluster)) / (sum(n) OVER (PARTITION BY agent) / sum(n) OVER ())
            AS lift
    FROM members WHERE agent IS NOT NULL GROUP BY cluster, agent
),
top_agents AS (
    SELECT cluster, list({'agent': agent, 'calls': n, 'lift': round(lift, 2)}
        ORDER BY lift DESC, agent)[1:3] AS top_agents
    FROM agent_counts WHERE n >= 5 GROUP BY cluster
),
product_counts AS (
    SELECT cluster, product, count(*) AS n,
        (n / sum(n) OVER (PARTITION BY cluster)) / (sum(n) OVER (PARTITION BY product) / sum(n) OVER ())
            AS lift
    FROM members WHERE product IS NOT NULL GROUP BY cluster, product
),
top_products AS (
    SELECT cluster, list({'product': product, 'calls': n, 'lift': round(lift, 2)}
        ORDER BY lift DESC, product)[1:3] AS top_products
    FROM product_counts WHERE n >= 5 GROUP BY cluster
),
weeks AS (
    SELECT cluster, date_trunc('week', "at")::DATE AS week, count(*) AS n,
        n / sum(n) OVER (PARTITION BY week) AS share
    FROM members WHERE "at" IS NOT NULL GROUP BY cluster, week
),
weekly AS (
    SELECT cluster, list({'week': week, 'share': round(share, 4)} ORDER BY week) AS weekly_share
    FROM weeks GROUP BY cluster
),
apart AS (
    SELECT one.cluster, 
        min(list_distance(one.centroid::FLOAT[], other.centroid::FLOAT[]))::DOUBLE AS separation
    FROM cluster_centroids AS one
    JOIN cluster_centroids AS other ON other.name = one.name AND other.cluster <> one.cluster
    WHERE one.name = clustering
    GROUP BY one.cluster
),
measured AS (
    SELECT
        cluster,
        count(*) AS calls,
        avg(negative::INT) AS negative_share,
        avg(angry) AS angry_score,
        avg(disgusted) AS disgusted_score,
        avg(fearful) AS fearful_score,
        avg(happy) AS happy_score,
        avg(neutral) AS neutral_score,
        avg(other) AS other_score,
        avg(sad) AS sad_score,
        avg(surprised) AS surprised_score,
        avg(unknown) AS unknown_score,
        (list(utterance_id ORDER BY distance, utterance_id))[1:3] AS typical_calls,
        avg(distance) AS cohesion
    FROM members GROUP BY cluster
),
labels AS (
    SELECT cluster, label FROM cluster_centroids WHERE cluster_centroids.name = clustering
)
SELECT
    cluster,
    label,
    measured.calls AS size,
    measured.calls / sum(measured.calls) OVER () AS share,
    measured.* EXCLUDE (cluster, calls, typical_calls, cohesion),
    top_agents,
    top_products,
    typical_calls,
    cohesion,
    separation,
    weekly_share
FROM measured
LEFT JOIN labels USING (cluster)
LEFT JOIN top_agents USING (cluster)
LEFT JOIN top_products USING (cluster)
LEFT JOIN apart USING (cluster)
LEFT JOIN weekly USING (cluster)
ORDER BY cluster;
