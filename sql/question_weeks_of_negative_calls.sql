-- How does the share of negative calls move from week to week?
SELECT
    date_trunc('week', "at")::DATE AS week,
    count(*) AS calls,
    round(avg(negative::INT), 2) AS negative_share,
    bar(avg(negative::INT), 0, 1, 20) AS share
FROM calls
WHERE "at" IS NOT NULL
GROUP BY week
ORDER BY week;
