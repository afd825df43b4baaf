-- Which calls have the same voice vector as this one, or are byte for byte the same?
CREATE OR REPLACE MACRO duplicates_of(id) AS TABLE
SELECT
    hit.utterance_id, hit.similarity, hit."at", hit.agent, hit.customer, hit.product, hit.team,
    hit.emotion, hit.confidence
FROM (SELECT unnest(_e2v_within(e2v_embedding(id), 0.999999)) AS hit FROM _statement)
WHERE hit.utterance_id <> id
ORDER BY hit.similarity DESC, hit.utterance_id;
