-- How does each team sound from bucket to bucket? team_trend(bucket := 'week', team := NULL)
CREATE OR REPLACE MACRO team_trend(bucket := 'week', team := NULL) AS TABLE
SELECT trend.bucket, trend.member AS team, trend.* EXCLUDE (bucket, member)
FROM trend_by('team', bucket := bucket, member_only := team) AS trend;
