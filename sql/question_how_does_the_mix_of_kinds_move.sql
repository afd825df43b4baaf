-- How does the mix of kinds of call move?
-- Ask it after `e2vdb cluster`.
SELECT fitted.name, strftime(drift.bucket, '%Y-%m') AS month, drift.cluster, drift.label,
    drift.calls, round(drift.share, 2) AS share, round(drift.change, 2) AS change
FROM (SELECT DISTINCT name FROM cluster_centroids) AS fitted,
    LATERAL (FROM cluster_drift(fitted.name, bucket := 'month')) AS drift;
