"""Queries that a server answers."""

QUESTIONS = [
    "SELECT agent, count(*), avg(call) FROM calls GROUP BY ALL",
    "FROM calls ORDER BY call DESC LIMIT 2",
    "FROM first_calls",
    "SELECT emotion_zh('angry'), '坐席' || agent FROM calls LIMIT 1",
    "FROM calls_below()",
    "FROM Calls_Below(n := 3)",
    "WITH few AS (FROM calls WHERE call < 3) SELECT sum(call) OVER (ORDER BY call) FROM few",
    "SELECT unnest([1, 2]), x FROM generate_series(1, 2) t(x)",
    "VALUES (1, 'a'), (2, 'b')",
    "SELECT list_transform([1, 2], lambda x: x + 1)",
    "SELECT count(*) FROM calls JOIN meta ON true;",
    "SELECT 'read_csv(''/etc/passwd'') -- ; ATTACH' AS text",
    "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'calls' "
    "AND table_catalog = current_database() ORDER BY ordinal_position",
    "SHOW TABLES",
    "DESCRIBE calls",
    "SUMMARIZE calls",
]
