-- Imported classifier heads; the one with the highest head_id is in force.
CREATE OR REPLACE VIEW heads AS
SELECT head_id, source, imported_at, labels, weight, bias
FROM _heads;
