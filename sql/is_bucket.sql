-- True for the name of a bucket of time, an error for any other word: is_bucket('week').
CREATE OR REPLACE MACRO is_bucket(bucket) AS
    CASE WHEN bucket_step(bucket) IS NOT NULL THEN true
        ELSE error('bucket must be hour, day, week, month or quarter, not '
            || coalesce(bucket::VARCHAR, 'NULL') || '.') END;
