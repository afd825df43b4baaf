-- Which calls sound most like this one? The call itself is left out.
CREATE OR REPLACE MACRO similar_calls(id, k := 10, filter := NULL, mode := 'auto') AS TABLE
SELECT hit.utterance_id, hit.similarity, hit."at", hit.agent, hit.customer, hit.product, hit.team,
    hit.emotion, hit.confidence
FROM (
    SELECT unnest(_e2v_search(e2v_embedding(id), (k + (k > 0)::INT)::INTEGER, filter::VARCHAR, mode))
        AS hit
    FROM _statement
)
WHERE hit.utterance_id <> id
ORDER BY hit.similarity DESC, hit.utterance_id
LIMIT greatest(k, 1);
