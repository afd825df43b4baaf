-- How close is each call to a reference set, and does it pass? The farthest come first.
CREATE OR REPLACE MACRO quality_check(reference, pass := 0.75, review := 0.60) AS TABLE
SELECT
    hit.utterance_id, hit.similarity, hit.nearest_id, hit.nearest_similarity, hit.verdict
FROM (
    SELECT unnest(_e2v_quality_check(reference::VARCHAR, pass::DOUBLE, review::DOUBLE)) AS hit
    FROM _statement
)
ORDER BY hit.similarity, hit.utterance_id;
