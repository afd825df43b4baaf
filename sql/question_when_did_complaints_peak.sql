-- When did complaints peak, and after which event?
SELECT bucket::DATE AS day, calls, round(negative_share, 2) AS negative_share,
    round(baseline, 2) AS baseline, round(score, 1) AS score, event, days_from_event
FROM complaint_peaks();
