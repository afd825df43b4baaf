-- How do our calls sound from bucket to bucket? emotion_trend(bucket := 'week')
CREATE OR REPLACE MACRO emotion_trend(bucket := 'week') AS TABLE
SELECT * EXCLUDE (member) FROM trend_by('all', bucket := bucket);
