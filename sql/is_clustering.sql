-- True for the name of a clustering, an error for any other word: is_clustering('anger').
CREATE OR REPLACE MACRO is_clustering(clustering) AS (
    SELECT CASE WHEN count(*) > 0 THEN true
        ELSE error('There is no clustering ' || coalesce('''' || clustering || '''', 'NULL')
            || '; make it with `e2vdb cluster --name NAME`.') END
    FROM cluster_centroids AS fitted WHERE fitted.name = clustering
);
