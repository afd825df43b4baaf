-- What `e2vdb watch` raised: pending, sent or failed, and what the last attempt to post it said.
CREATE OR REPLACE VIEW alerts AS
SELECT
    alert_id, utterance_id, status, created_at, sent_at, attempts, last_attempt_at, last_error,
    emotion, verdict, similarity, reference, condition, folder, payload
FROM _alerts;
