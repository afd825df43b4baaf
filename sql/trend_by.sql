-- Calls, shares, scores and change per bucket of time, by 'all', 'agent', 'product' or 'team'.
-- Shares are of the calls whose emotion is known; a bucket without calls is a row of zero calls.
CREATE OR REPLACE MACRO trend_by(dimension, bucket := 'week', member_only := NULL) AS TABLE
WITH measured AS (
    SELECT
        bucket_start(bucket, "at") AS start,
        CASE dimension
            WHEN 'agent' THEN calls.agent
            WHEN 'product' THEN calls.product
            WHEN 'team' THEN calls.team
            WHEN 'all' THEN 'all'
        END AS member,
        count(*) AS calls,
        count(emotion) AS known,
        avg((emotion = 'angry')::INT) AS angry_share,
        avg((emotion = 'disgusted')::INT) AS disgusted_share,
        avg((emotion = 'fearful')::INT) AS fearful_share,
        avg((emotion = 'happy')::INT) AS happy_share,
        avg((emotion = 'neutral')::INT) AS neutral_share,
        avg((emotion = 'other')::INT) AS other_share,
        avg((emotion = 'sad')::INT) AS sad_share,
        avg((emotion = 'surprised')::INT) AS surprised_share,
        avg((emotion = 'unknown')::INT) AS unknown_share,
        avg(angry) AS angry_score,
        avg(disgusted) AS disgusted_score,
        avg(fearful) AS fearful_score,
        avg(happy) AS happy_score,
        avg(neutral) AS neutral_score,
        avg(other) AS other_score,
        avg(sad) AS sad_score,
        avg(surprised) AS surprised_score,
        avg(unknown) AS unknown_score
    FROM calls
    WHERE "at" IS NOT NULL AND member IS NOT NULL AND (member_only IS NULL OR member = member_only)
    GROUP BY start, member
),
-- Narrowed to one member, the buckets still span all calls; else a second scan is saved.
spans AS (
    SELECT min(start) AS first, max(start) AS last FROM measured WHERE member_only IS NULL
    UNION ALL
    SELECT min("at"), max("at") FROM calls WHERE member_only IS NOT NULL
),
buckets AS (
    SELECT
        unnest(generate_series(bucket_start(bucket, first), last, bucket_step(bucket))) AS start
    FROM (SELECT min(first) AS first, max(last) AS last FROM spans)
    WHERE is_bucket(bucket)
        AND CASE WHEN dimension IN ('all', 'agent', 'product', 'team') THEN true
            ELSE error('dimension must be all, agent, product or team, not ' || dimension) END
),
grid AS (
    SELECT * FROM buckets CROSS JOIN (SELECT DISTINCT member FROM measured)
)
SELECT
    grid.start AS bucket,
    grid.member,
    coalesce(measured.calls, 0) AS calls,
    angry_share + disgusted_share + fearful_share + sad_share AS negative_share,
    wilson_low(round(negative_share * known), known) AS negative_low,
    wilson_high(round(negative_share * known), known) AS negative_high,
    negative_share - lag(negative_share) OVER by_time AS negative_change,
    coalesce(measured.calls, 0) - lag(coalesce(measured.calls, 0)) OVER by_time AS calls_change,
    measured.* EXCLUDE (start, member, calls, known)
FROM grid LEFT JOIN measured USING (start, member)
WINDOW by_time AS (PARTITION BY grid.member ORDER BY grid.start)
ORDER BY grid.member, grid.start;
