-- The fitted clusters of every clustering, with their labels and how they were found.
CREATE OR REPLACE VIEW cluster_centroids AS
SELECT *
FROM _cluster_centroids
SEMI JOIN (SELECT DISTINCT name, fitted_at FROM _clusters) AS in_use USING (name, fitted_at);
