-- How does each agent sound from bucket to bucket? agent_trend(bucket := 'week', agent := NULL)
CREATE OR REPLACE MACRO agent_trend(bucket := 'week', agent := NULL) AS TABLE
SELECT trend.bucket, trend.member AS agent, trend.* EXCLUDE (bucket, member)
FROM trend_by('agent', bucket := bucket, member_only := agent) AS trend;
