-- Where does a call sound least like the rest of itself? emotion_shifts(id, k := 3)
-- The k frames farthest from the utterance's vector, adjacent ones merged; frame_index and distance
-- are those of the farthest frame of each stretch.
CREATE OR REPLACE MACRO emotion_shifts(id, k := 3) AS TABLE
WITH farthest AS (
    SELECT frames.frame_index AS f, frames.start_s AS s, frames.distance AS d
    FROM frames WHERE frames.utterance_id = id AND frames.distance IS NOT NULL
    ORDER BY d DESC, f
    LIMIT k
),
stretches AS (
    SELECT f - row_number() OVER (ORDER BY f) AS stretch, * FROM farthest
),
merged AS (
    SELECT arg_max(f, d) AS frame_index, min(s) AS start_s, max(s) + 0.02 AS end_s,
        max(d) AS distance
    FROM stretches GROUP BY stretch
)
SELECT row_number() OVER (ORDER BY distance DESC, frame_index) AS rank, * FROM merged
ORDER BY rank;
