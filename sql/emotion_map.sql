-- Two-dimensional coordinates of calls, for plots, as `e2vdb map` laid them out.
CREATE OR REPLACE VIEW emotion_map AS
SELECT name, utterance_id, x, y
FROM _emotion_map;
