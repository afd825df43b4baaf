-- Which agents need attention?
SELECT agent, calls, round(negative_share, 2) AS negative_share,
    round(negative_low, 2) AS low, round(negative_high, 2) AS high,
    round(angry_days_share, 2) AS angry_days, longest_angry_run AS longest_run, rank, status
FROM agent_health()
WHERE status <> 'healthy';
