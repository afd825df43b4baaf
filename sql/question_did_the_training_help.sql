-- Did the training help?
SELECT scope, n_before, n_after, round(negative_before, 2) AS before,
    round(negative_after, 2) AS after, round(ci_low, 2) AS ci_low, round(ci_high, 2) AS ci_high,
    round(p_adjusted, 4) AS p_adjusted, note
FROM events, LATERAL (FROM before_after(events.name))
WHERE kind = 'training';
