-- How does one call move from second to second?
SELECT one.utterance_id, line.start_s, line.frames, round(line.distance, 3) AS distance,
    line.emotion
FROM (SELECT DISTINCT utterance_id FROM frames ORDER BY utterance_id LIMIT 1) AS one,
    LATERAL (FROM frame_timeline(one.utterance_id, step_s := 5)) AS line;
