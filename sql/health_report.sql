-- Is the data in order? health_report(): one row a check; status 'look' wants a person.
CREATE OR REPLACE MACRO health_report() AS TABLE
WITH facts AS (SELECT unnest(e2v_stored_facts(), recursive := true)),
u AS (
    SELECT
        count(*) AS n,
        count(norm) AS vectors,
        quantile_cont(norm, [0.001, 0.5, 0.999]) AS norms,
        count(*) FILTER (list_contains(warnings, 'norm_outlier')) AS norm_outliers,
        count(*) FILTER (list_contains(warnings, 'out_of_range')) AS out_of_range,
        count(*) FILTER (list_contains(warnings, 'duplicate')) AS duplicates,
        count(*) FILTER (list_contains(warnings, 'label_mismatch')) AS mismatches,
        count(*) FILTER (len(warnings) > 0) AS warned,
        count(agent) AS with_agent,
        count("at") AS with_time,
        min("at")::DATE AS first_day, max("at")::DATE AS last_day
    FROM calls
),
codes AS (
    SELECT string_agg(code || ': ' || n, ', ' ORDER BY n DESC, code) AS listed, sum(n) AS n
    FROM (SELECT code, count(*) AS n FROM rejects GROUP BY code)
),
warning_codes AS (
    SELECT string_agg(code || ': ' || n, ', ' ORDER BY n DESC, code) AS listed
    FROM (SELECT code, count(*) AS n FROM (SELECT unnest(warnings) AS code FROM calls) GROUP BY code)
),
days AS (
    SELECT bucket::DATE AS day, calls AS n,
        median(calls) OVER (PARTITION BY dayofweek(bucket)) AS usual
    FROM trend_by('all', bucket := 'day')
),
gaps AS (
    SELECT count(*) AS n, string_agg(day::VARCHAR, ', ' ORDER BY day) AS listed
    FROM days WHERE n = 0 AND usual >= 5
),
keys AS (
    SELECT count(*) AS n, count(*) FILTER (utterance_id IS NULL OR utterance_id NOT IN (
        SELECT utterance_id FROM calls)) AS unmatched
    FROM metadata
),
newest AS (
    SELECT max(fitted_rows) AS fitted_rows, max(fitted_at) AS fitted_at, max(dimensions) AS dimensions
    FROM distillers WHERE distiller_id = (SELECT max(distiller_id) FROM distillers)
),
checks AS (
    SELECT 1 AS place, 'utterances' AS "check", u.n AS value, u.n = 0 AS look,
        u.vectors || ' with a vector, from ' || coalesce(first_day::VARCHAR, '-') || ' to '
            || coalesce(last_day::VARCHAR, '-') AS detail,
        'ingest output directories: e2vdb ingest FOLDER' AS remedy
    FROM u
    UNION ALL
    SELECT 2, 'rejects', coalesce(codes.n, 0), coalesce(codes.n, 0) > 0,
        coalesce(listed, 'none') || printf(' (%.2f %% of all directories)',
            100 * coalesce(codes.n, 0) / greatest(1, u.n + coalesce(codes.n, 0))),
        'mend or remove the directories: FROM rejects' FROM u, codes
    UNION ALL
    SELECT 3, 'warnings', u.warned, u.warned > 0.05 * u.n, coalesce(listed, 'none'),
        'more than 5 % of the calls carry a warning: look at calls.warnings' FROM u, warning_codes
    UNION ALL
    SELECT 4, 'norms', norms[2], u.norm_outliers > 0.05 * u.n,
        printf('median %.1f; %d outside the limits; 99.8 %% lie in %.1f to %.1f', norms[2],
            norm_outliers, norms[1], norms[3]),
        printf('limits that fit this data: e2vdb config norm_min %.0f; e2vdb config norm_max %.0f',
            floor(norms[1]), ceil(norms[3])) FROM u WHERE u.vectors > 0
    UNION ALL
    SELECT 5, 'range', large.value, u.out_of_range > 0.05 * u.n,
        printf('largest |value| %.2f in a sample of %d; %d calls outside the limit', large.value,
            sampled.value::BIGINT, u.out_of_range),
        printf('a limit that fits this data: e2vdb config max_abs %.0f', ceil(usual.value))
    FROM u, facts AS large, facts AS usual, facts AS sampled
    WHERE large.name = 'largest_value' AND usual.name = 'usual_largest_value'
        AND sampled.name = 'sampled'
    UNION ALL
    SELECT 6, 'duplicates', u.duplicates, u.duplicates > 0.01 * u.n,
        u.duplicates || ' calls have the content of another',
        'more than 1 % came in twice: SELECT * FROM calls WHERE list_contains(warnings, ''duplicate'')'
    FROM u
    UNION ALL
    SELECT 7, 'label mismatches', u.mismatches, u.mismatches > 0.01 * u.n,
        u.mismatches || ' calls whose emotion is not their largest score',
        'more than 1 %: is result.json written by the recogniser that made the vectors?' FROM u
    UNION ALL
    SELECT 8, 'days without data', gaps.n, gaps.n > 0,
        coalesce('none on ' || listed, 'every day on which calls are usual has some'),
        'ingest what is missing' FROM gaps
    UNION ALL
    SELECT 9, 'calls without time', u.n - u.with_time, u.n - u.with_time > 0.05 * u.n,
        u.with_time || ' calls have a time', 'load called_at: e2vdb metadata FILE' FROM u
    UNION ALL
    SELECT 10, 'agents without metadata', u.n - u.with_agent,
        keys.n > 0 AND u.n - u.with_agent > 0.05 * u.n,
        CASE WHEN keys.n = 0 THEN 'no metadata loaded'
            ELSE (u.n - u.with_agent) || ' calls name no agent' END,
        'load what is missing: e2vdb metadata FILE' FROM u, keys
    UNION ALL
    SELECT 11, 'metadata without calls', keys.unmatched, keys.unmatched > 0.05 * keys.n,
        keys.unmatched || ' of ' || keys.n || ' rows match no call',
        'ingest their directories or mend the keys: FROM metadata' FROM keys
    UNION ALL
    SELECT 12, 'distiller', newest.fitted_rows,
        (u.vectors >= 256 AND newest.fitted_rows IS NULL)
            OR (newest.fitted_rows < 16384 AND u.vectors > 4 * newest.fitted_rows),
        coalesce(dimensions || ' dimensions, fitted on ' || fitted_rows || ' of now ' || u.vectors
            || ' vectors on ' || fitted_at::DATE, 'none yet: fitted at 256 embeddings'),
        'fit it to the data as it is now: e2vdb distill' FROM u, newest
    UNION ALL
    SELECT 13, facts.name, facts.value, facts.value > 0.2 * u.n,
        facts.value::BIGINT || ' rows are newer than the index', 'e2vdb optimize, or index again'
    FROM u, facts WHERE facts.name LIKE 'index %'
    UNION ALL
    SELECT 14, 'frames without emotion', bare.n, heads_known.n > 0 AND bare.n > 0,
        bare.n || ' of ' || bare.whole || ' frames; ' || heads_known.n || ' heads imported',
        'e2vdb head import FILE'
    FROM (SELECT count(*) FILTER (emotion IS NULL) AS n, count(*) AS whole FROM frames) AS bare,
        (SELECT count(*) AS n FROM heads) AS heads_known
)
SELECT "check", CASE WHEN look THEN 'look' ELSE 'ok' END AS status, value::DOUBLE AS value, detail,
    CASE WHEN look THEN remedy WHEN "check" IN ('norms', 'range') THEN remedy END AS remedy
FROM checks ORDER BY place, "check";
