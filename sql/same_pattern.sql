-- Do two calls show the same emotional pattern? Overlap is the shared mass of the nine scores.
CREATE OR REPLACE MACRO same_pattern(id_a, id_b) AS TABLE
SELECT
    cosine,
    emotion_overlap,
    CASE
        WHEN cosine >= 0.9 AND coalesce(emotion_overlap, 1) >= 0.7 THEN 'same'
        WHEN cosine >= 0.75 AND coalesce(emotion_overlap, 1) >= 0.4 THEN 'similar'
        ELSE 'different'
    END AS verdict
FROM (
    SELECT
        list_cosine_similarity(e2v_embedding(id_a)::DOUBLE[], e2v_embedding(id_b)::DOUBLE[]) AS cosine,
        (
            SELECT
                least(a.angry, b.angry) + least(a.disgusted, b.disgusted)
                + least(a.fearful, b.fearful) + least(a.happy, b.happy)
                + least(a.neutral, b.neutral) + least(a.other, b.other) + least(a.sad, b.sad)
                + least(a.surprised, b.surprised) + least(a.unknown, b.unknown)
            FROM calls AS a, calls AS b
            WHERE a.utterance_id = id_a AND b.utterance_id = id_b
        ) AS emotion_overlap
    FROM _statement
);
