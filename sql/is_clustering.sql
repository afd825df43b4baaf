-- True for the name of a clustering, an error for any other word: is_clustering('anger').
CREATE OR REPLACE MACRO is_clustering(clustering) AS
    CASE WHEN clustering IN (SELECT fitted.name FROM cluster_centroids AS fitted) THEN true
        ELSE error('There is no clustering ' || coalesce('''' || clustering || '''', 'NULL')
            || '; make it with `e2vdb cluster --name NAME`.') END;
