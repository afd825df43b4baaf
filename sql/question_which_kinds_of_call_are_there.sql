-- Which kinds of call are there?
-- Ask it after `e2vdb cluster --name NAME`.
SELECT fitted.name, profile.cluster, profile.label, profile.size,
    round(profile.share, 2) AS share, profile.top_agents[1].agent AS typical_agent,
    profile.typical_calls[1] AS typical_call
FROM (SELECT DISTINCT name FROM cluster_centroids) AS fitted,
    LATERAL (FROM cluster_profiles(fitted.name)) AS profile;
