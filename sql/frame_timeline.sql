-- How does one call move, thinned for a plot? frame_timeline(id, step_s := 0.5)
CREATE OR REPLACE MACRO frame_timeline(id, step_s := 0.5) AS TABLE
SELECT
    steps.step * step_s AS start_s,
    least((steps.step + 1) * step_s, max(frames.start_s) + 0.02) AS end_s,
    count(*) AS frames,
    avg(frames.distance) AS distance,
    mode(frames.emotion) AS emotion,
    avg(frames.angry) AS angry,
    avg(frames.disgusted) AS disgusted,
    avg(frames.fearful) AS fearful,
    avg(frames.happy) AS happy,
    avg(frames.neutral) AS neutral,
    avg(frames.other) AS other,
    avg(frames.sad) AS sad,
    avg(frames.surprised) AS surprised,
    avg(frames.unknown) AS unknown
FROM frames, LATERAL (SELECT floor(frames.start_s / step_s + 1e-9) AS step) AS steps
WHERE frames.utterance_id = id
    AND CASE WHEN step_s > 0 THEN true ELSE error('step_s must be more than 0 seconds.') END
GROUP BY steps.step
ORDER BY steps.step;
