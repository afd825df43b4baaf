-- How do our calls sound?
SELECT
    emotion,
    emotion_zh(emotion) AS 情绪,
    count(*) AS calls,
    round(100 * count(*) / sum(count(*)) OVER (), 1) AS percent,
    round(avg(confidence), 2) AS mean_confidence
FROM calls
WHERE emotion IS NOT NULL
GROUP BY ALL
ORDER BY calls DESC;
