-- When did negative calls stand out, and near which event? complaint_peaks(bucket := 'day', z := 3)
-- The baseline is the median share of the earlier buckets (same weekday where daily, same hour
-- where hourly; 52 at most, 4 at least). The score counts standard errors above it: binomial for
-- this bucket and for the baseline, widened where the earlier buckets (by their median absolute
-- deviation) scatter more than chance, after taking half a call away. Buckets of fewer than 10
-- calls are too small to stand out.
CREATE OR REPLACE MACRO complaint_peaks(bucket := 'day', z := 3) AS TABLE
WITH counted AS (
    SELECT
        bucket_start(bucket, "at") AS start,
        CASE bucket
            WHEN 'day' THEN dayofweek(start)
            WHEN 'hour' THEN hour(start)
            ELSE 0
        END AS season,
        count(*) AS n,
        sum(negative::INT)::BIGINT AS hits,
        avg(negative::INT) AS share
    FROM calls
    WHERE is_bucket(bucket) AND "at" IS NOT NULL AND negative IS NOT NULL
    GROUP BY ALL
),
with_past AS (
    SELECT
        *,
        list({'share': share, 'n': n}) OVER earlier AS past,
        median(share) OVER earlier AS baseline,
        sum(hits) OVER earlier AS past_hits,
        sum(n) OVER earlier AS past_n
    FROM counted
    WINDOW earlier AS (
        PARTITION BY season ORDER BY start ROWS BETWEEN 52 PRECEDING AND 1 PRECEDING)
),
expected AS (
    SELECT *, greatest(baseline, (past_hits + 1) / (past_n + 2)) AS rate
    FROM with_past
    WHERE len(past) >= 4 AND n >= 10
),
scattered AS (
    SELECT
        *,
        greatest(1, 1.4826 * list_median(list_transform(past, lambda one:
            abs(one.share - baseline) / sqrt(rate * (1 - rate) / one.n)))) AS scatter
    FROM expected
),
scored AS (
    SELECT
        *,
        (share - baseline - 0.5 / n)
            / (scatter * sqrt(rate * (1 - rate) * (1 / n + pi() / 2 / past_n))) AS score
    FROM scattered
),
peaks AS (
    SELECT *, (start + bucket_step(bucket))::DATE AS until FROM scored
    WHERE score >= z
),
near AS (
    SELECT
        peaks.start,
        events.name,
        CASE
            WHEN events.starts_at < peaks.start
                THEN date_diff('day', events.starts_at::DATE, peaks.start::DATE)
            WHEN events.starts_at < peaks.start + bucket_step(bucket) THEN 0
            ELSE date_diff('day', events.starts_at::DATE, peaks.until) - 1
        END AS days
    FROM peaks CROSS JOIN events
    QUALIFY row_number() OVER (
        PARTITION BY peaks.start ORDER BY abs(days), days DESC, events.name) = 1
)
SELECT
    peaks.start AS bucket,
    peaks.n AS calls,
    peaks.share AS negative_share,
    peaks.baseline,
    peaks.score,
    near.name AS event,
    near.days AS days_from_event
FROM peaks LEFT JOIN near ON near.start = peaks.start
ORDER BY peaks.start;
