-- In which calls do voice and text disagree most? The lowest cosine of aligned voice and text first.
CREATE OR REPLACE MACRO alignment_gaps(alignment, top := 20) AS TABLE
SELECT
    gap.utterance_id, gap.similarity, calls."at", calls.agent, calls.customer, calls.product,
    calls.team, calls.emotion, calls.confidence
FROM (
    SELECT unnest(_e2v_alignment_gaps(alignment::VARCHAR, top::INTEGER)) AS gap
    FROM _statement
)
JOIN calls ON calls.utterance_id = gap.utterance_id
ORDER BY gap.similarity, gap.utterance_id;
