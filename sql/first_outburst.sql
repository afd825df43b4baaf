-- When does an emotion first break out in each call? first_outburst(emotion)
-- It begins at the first frame of that emotion from which on the next half second has a mean score
-- of 0.5 or more; calls where it does not are left out. Frames need scores: see `e2vdb head import`.
CREATE OR REPLACE MACRO first_outburst(feeling) AS TABLE
WITH scored AS (
    SELECT
        frames.utterance_id, frames.start_s, frames.emotion,
        CASE feeling
            WHEN 'angry' THEN angry
            WHEN 'disgusted' THEN disgusted
            WHEN 'fearful' THEN fearful
            WHEN 'happy' THEN happy
            WHEN 'neutral' THEN neutral
            WHEN 'other' THEN other
            WHEN 'sad' THEN sad
            WHEN 'surprised' THEN surprised
            WHEN 'unknown' THEN "unknown"
            ELSE error(coalesce('''' || feeling || '''', 'NULL') || ' is no emotion; use angry, '
                || 'disgusted, fearful, happy, neutral, other, sad, surprised or unknown.')::FLOAT
        END AS score
    FROM frames
    WHERE frames.emotion IS NOT NULL
),
ahead AS (
    SELECT *,
        avg(score) OVER (
            PARTITION BY utterance_id ORDER BY start_s RANGE BETWEEN CURRENT ROW AND 0.49 FOLLOWING
        ) AS mean_score
    FROM scored
),
begun AS (
    SELECT utterance_id, round(min(start_s), 2) AS at_s, arg_min(mean_score, start_s) AS score
    FROM ahead
    WHERE ahead.emotion = feeling AND mean_score >= 0.5
    GROUP BY utterance_id
)
SELECT utterance_id, at_s, score FROM begun ORDER BY utterance_id;
