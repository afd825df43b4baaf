-- Where does the feeling of a call turn?
SELECT one.utterance_id, turn.segment, turn.start_s, turn.end_s,
    round(turn.distance, 2) AS distance, round(turn.angry, 2) AS angry
FROM (SELECT DISTINCT utterance_id FROM frames ORDER BY utterance_id LIMIT 1) AS one,
    LATERAL (FROM change_points(one.utterance_id)) AS turn;
