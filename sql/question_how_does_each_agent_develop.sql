-- How does each agent develop from quarter to quarter?
PIVOT (SELECT agent, strftime(bucket, '%Y-%m') AS quarter, round(negative_share, 2) AS share
    FROM agent_trend(bucket := 'quarter'))
ON quarter USING first(share)
ORDER BY agent;
