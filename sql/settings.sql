-- The settings that were changed with `e2vdb config`; the others have their defaults.
CREATE OR REPLACE VIEW settings AS SELECT * FROM _settings;
