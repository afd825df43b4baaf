-- Which calls sound most like this vector?
CREATE OR REPLACE MACRO similar_to(vector, k := 10, filter := NULL, mode := 'auto') AS TABLE
SELECT hit.utterance_id, hit.similarity, hit."at", hit.agent, hit.customer, hit.product, hit.team,
    hit.emotion, hit.confidence
FROM (SELECT unnest(_e2v_search(vector::FLOAT[], k::INTEGER, filter::VARCHAR, mode)) AS hit)
ORDER BY hit.similarity DESC, hit.utterance_id;
