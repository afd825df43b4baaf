-- Which calls sound most like this vector?
CREATE OR REPLACE MACRO similar_to(vector, k := 10, filter := NULL, mode := 'auto', quality := NULL) AS TABLE
SELECT hit.utterance_id, hit.similarity, hit."at", hit.agent, hit.customer, hit.product, hit.team,
    hit.emotion, hit.confidence
FROM (SELECT unnest(_e2v_search(
    CASE WHEN quality IS NULL THEN vector::FLOAT[] ELSE e2v_robust(vector::FLOAT[], quality::DOUBLE)::FLOAT[] END,
    k::INTEGER, filter::VARCHAR, mode)) AS hit FROM _statement)
ORDER BY hit.similarity DESC, hit.utterance_id;
