-- Did an event change how calls sound? before_after(event, days := 28)
-- Compares the days before the event's first day with the days after its last, among the calls of
-- its team and product where it names them. p_value is a two-proportion z-test; p_adjusted is
-- Benjamini-Hochberg's over the agents; the interval of the difference is Newcombe's, 95 %.
CREATE OR REPLACE MACRO before_after(event, days := 28) AS TABLE
WITH chosen AS (
    SELECT events.starts_at::DATE AS first, coalesce(events.ends_at, events.starts_at)::DATE AS last,
        events.product AS its_product, events.team AS its_team
    FROM events WHERE events.name = event
),
known AS (
    SELECT CASE WHEN count(*) > 0 THEN true
        ELSE error('There is no event ' || coalesce('''' || event || '''', 'NULL')
            || '; load it with `e2vdb events load FILE`.') END AS found
    FROM chosen
),
near AS (
    SELECT
        coalesce(calls.agent, '') AS who, coalesce(calls.product, '') AS what,
        calls.negative::INT AS negative, calls."at" >= chosen.first AS after
    FROM calls, chosen, known
    WHERE known.found AND calls.negative IS NOT NULL
        AND ((calls."at" >= chosen.first - to_days(days::INT) AND calls."at" < chosen.first)
            OR (calls."at" >= chosen.last + INTERVAL 1 DAY
                AND calls."at" < chosen.last + to_days(days::INT + 1)))
        AND (chosen.its_product IS NULL OR calls.product = chosen.its_product)
        AND (chosen.its_team IS NULL OR calls.team = chosen.its_team)
),
cells AS (
    SELECT who, what, count(*) FILTER (NOT after) AS b, count(*) FILTER (after) AS a
    FROM near GROUP BY who, what
),
mixes AS (
    SELECT 'all' AS who, true AS overall, 'agents' AS kind, who AS part, sum(b) AS b, sum(a) AS a
    FROM cells GROUP BY cells.who
    UNION ALL
    SELECT 'all', true, 'products', what, sum(b), sum(a) FROM cells GROUP BY what
    UNION ALL
    SELECT who, false, 'products', what, b, a FROM cells
),
-- Chi-squared of the mix, as a normal score (Wilson and Hilferty), and half the sum of |changes|.
mix_tests AS (
    SELECT
        who, overall, kind, count(*) - 1 AS freedom,
        any_value(n_b) AS n_b, any_value(n_a) AS n_a,
        sum(pow(b - (a + b) * n_b / (n_a + n_b), 2) * (n_a + n_b) / ((a + b) * n_b)
            + pow(a - (a + b) * n_a / (n_a + n_b), 2) * (n_a + n_b) / ((a + b) * n_a)) AS chi2,
        sum(abs(b / n_b - a / n_a)) / 2 AS moved
    FROM (
        SELECT *, sum(b) OVER whole AS n_b, sum(a) OVER whole AS n_a FROM mixes
        WINDOW whole AS (PARTITION BY overall, who, kind)
    )
    WHERE n_b > 0 AND n_a > 0
    GROUP BY who, overall, kind
),
mix_notes AS (
    SELECT who, overall,
        string_agg('mix of ' || kind || ' changed', '; ' ORDER BY kind) AS note
    FROM mix_tests
    WHERE freedom > 0 AND least(n_b, n_a) >= 10 AND moved >= 0.1
        AND (pow(chi2 / freedom, 1 / 3) - 1 + 2 / (9 * freedom)) / sqrt(2 / (9 * freedom)) > 2.326
    GROUP BY who, overall
),
shares AS (
    SELECT
        CASE WHEN grouping(who) = 1 THEN 'all' ELSE who END AS scope,
        grouping(who) = 1 AS overall,
        count(*) FILTER (NOT after) AS n1, coalesce(sum(negative) FILTER (NOT after), 0) AS k1,
        count(*) FILTER (after) AS n2, coalesce(sum(negative) FILTER (after), 0) AS k2
    FROM near GROUP BY GROUPING SETS ((), (who))
    HAVING grouping(who) = 1 OR who <> ''
),
tested AS (
    SELECT *, two_proportion_p(k1, n1, k2, n2) AS p FROM shares
),
placed AS (
    SELECT *,
        row_number() OVER (PARTITION BY overall ORDER BY p) AS place,
        count(p) OVER (PARTITION BY overall) AS tests
    FROM tested
),
adjusted AS (
    SELECT *, least(1, min(p * tests / place) OVER (
        PARTITION BY overall ORDER BY place DESC ROWS UNBOUNDED PRECEDING)) AS p_adjusted
    FROM placed
)
SELECT
    adjusted.scope,
    n1 AS n_before,
    n2 AS n_after,
    k1 / nullif(n1, 0) AS negative_before,
    k2 / nullif(n2, 0) AS negative_after,
    negative_after - negative_before AS difference,
    CASE WHEN n1 > 0 AND n2 > 0 THEN difference_low(k1, n1, k2, n2) END AS ci_low,
    CASE WHEN n1 > 0 AND n2 > 0 THEN difference_high(k1, n1, k2, n2) END AS ci_high,
    p AS p_value,
    CASE WHEN p IS NOT NULL THEN adjusted.p_adjusted END AS p_adjusted,
    nullif(concat_ws('; ',
        CASE
            WHEN n1 = 0 AND n2 = 0 THEN 'no calls'
            WHEN n1 = 0 THEN 'no calls before'
            WHEN n2 = 0 THEN 'no calls after'
            WHEN least(n1, n2) * least((k1 + k2) / (n1 + n2), 1 - (k1 + k2) / (n1 + n2)) < 5
                THEN 'few calls: the p-value is rough'
        END,
        mix_notes.note), '') AS note
FROM adjusted
LEFT JOIN mix_notes ON mix_notes.who = adjusted.scope AND mix_notes.overall = adjusted.overall
ORDER BY adjusted.overall DESC, p NULLS LAST, adjusted.scope;
