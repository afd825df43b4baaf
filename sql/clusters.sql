-- Which cluster each call is in, by clustering: the newest fit of each name.
CREATE OR REPLACE VIEW clusters AS
SELECT assigned.name, assigned.utterance_id, assigned.cluster, fitted.label, assigned.distance
FROM _clusters AS assigned
LEFT JOIN _cluster_centroids AS fitted USING (name, cluster, fitted_at);
