-- How does the mix of clusters move? cluster_drift(clustering, bucket := 'week')
-- A bucket without calls has zero calls and no share.
CREATE OR REPLACE MACRO cluster_drift(clustering, bucket := 'week') AS TABLE
WITH assigned AS (
    SELECT * FROM clusters WHERE is_clustering(clustering) AND clusters.name = clustering
),
counted AS (
    SELECT bucket_start(bucket, calls."at") AS start, assigned.cluster, count(*) AS n
    FROM assigned JOIN calls USING (utterance_id)
    WHERE calls."at" IS NOT NULL
    GROUP BY ALL
),
buckets AS (
    SELECT unnest(generate_series(first, last, bucket_step(bucket))) AS start
    FROM (SELECT min(start) AS first, max(start) AS last FROM counted)
    WHERE is_bucket(bucket)
),
grid AS (
    SELECT * FROM buckets CROSS JOIN (SELECT cluster, any_value(label) AS label FROM assigned GROUP BY 1)
),
filled AS (
    SELECT grid.*, coalesce(n, 0) AS n,
        coalesce(n, 0) / nullif(sum(n) OVER (PARTITION BY grid.start), 0) AS share
    FROM grid LEFT JOIN counted USING (start, cluster)
)
SELECT
    filled.start AS bucket,
    filled.cluster,
    filled.label,
    filled.n AS calls,
    filled.share,
    filled.share - lag(filled.share) OVER (
        PARTITION BY filled.cluster ORDER BY filled.start) AS change
FROM filled
ORDER BY filled.start, filled.cluster;
