-- Where does a call sound least like the rest of itself?
SELECT one.utterance_id, shift.rank, shift.start_s, shift.end_s,
    round(shift.distance, 3) AS distance
FROM (SELECT DISTINCT utterance_id FROM frames ORDER BY utterance_id LIMIT 1) AS one,
    LATERAL (FROM emotion_shifts(one.utterance_id)) AS shift;
