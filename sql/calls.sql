-- What most people query: utterances without vectors and raw JSON, joined with metadata.
CREATE OR REPLACE VIEW _numbered_calls AS
SELECT
    *,
    coalesce(called_at, recorded_at, recognized_at) AS "at",
    emotion IN ('angry', 'disgusted', 'fearful', 'sad') AS negative
FROM _call_rows;

CREATE OR REPLACE VIEW calls AS
SELECT * EXCLUDE (_row) FROM _numbered_calls;
