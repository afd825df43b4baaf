-- The start of the bucket that a moment lies in: bucket_start('week', "at").
CREATE OR REPLACE MACRO bucket_start(bucket, moment) AS
    CASE bucket
        WHEN 'hour' THEN date_trunc('hour', moment)
        WHEN 'day' THEN date_trunc('day', moment)
        WHEN 'week' THEN date_trunc('week', moment)
        WHEN 'month' THEN date_trunc('month', moment)
        WHEN 'quarter' THEN date_trunc('quarter', moment)
    END::TIMESTAMP;
