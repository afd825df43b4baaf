-- Which kind of call does each agent have most?
-- Ask it after `e2vdb cluster`.
SELECT DISTINCT fitted.name, own.agent, own.dominant_cluster
FROM (SELECT DISTINCT name FROM cluster_centroids) AS fitted,
    LATERAL (FROM agent_clusters(fitted.name)) AS own
ORDER BY ALL;
