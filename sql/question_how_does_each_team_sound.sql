-- How does each team sound this quarter?
SELECT team, strftime(bucket, '%Y-%m') AS quarter, calls,
    round(negative_share, 2) AS negative_share, round(negative_change, 2) AS change
FROM team_trend(bucket := 'quarter')
QUALIFY row_number() OVER (PARTITION BY team ORDER BY bucket DESC) = 1;
