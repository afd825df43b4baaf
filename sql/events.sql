-- Launches, trainings and whatever else may move feelings, as `e2vdb events load` read them.
CREATE OR REPLACE VIEW events AS
SELECT name, kind, starts_at, ends_at, product, team
FROM _events;
