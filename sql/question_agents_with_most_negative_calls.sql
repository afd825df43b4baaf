-- Which agents have the most negative calls, and what do they sound like?
SELECT
    agent,
    any_value(team) AS team,
    count(*) AS calls,
    round(avg(negative::INT), 2) AS negative_share,
    round(avg((emotion = 'angry')::INT), 2) AS angry_share,
    mode(emotion ORDER BY emotion) FILTER (WHERE negative) AS most_often
FROM calls
WHERE agent IS NOT NULL
GROUP BY agent
ORDER BY negative_share DESC, calls DESC
LIMIT 5;
