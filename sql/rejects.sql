-- Directories that are no row, and why.
CREATE OR REPLACE VIEW rejects AS SELECT * FROM _rejects;
