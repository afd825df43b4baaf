-- How does each month sound, and what changed?
SELECT strftime(bucket, '%Y-%m') AS month, calls, round(negative_share, 2) AS negative_share,
    round(negative_low, 2) AS low, round(negative_high, 2) AS high,
    round(negative_change, 2) AS change
FROM emotion_trend(bucket := 'month');
