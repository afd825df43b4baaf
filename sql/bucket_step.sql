-- The length of a bucket of time: bucket_step('week'); NULL for any other word.
CREATE OR REPLACE MACRO bucket_step(bucket) AS
    CASE bucket
        WHEN 'hour' THEN INTERVAL 1 HOUR
        WHEN 'day' THEN INTERVAL 1 DAY
        WHEN 'week' THEN INTERVAL 7 DAY
        WHEN 'month' THEN INTERVAL 1 MONTH
        WHEN 'quarter' THEN INTERVAL 3 MONTH
    END;
