-- In which second does anger break out?
-- Ask it after `e2vdb head import`.
SELECT utterance_id, at_s, round(score, 2) AS score, calls.agent
FROM first_outburst('angry') JOIN calls USING (utterance_id);
