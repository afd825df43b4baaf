-- One row for macros that read no stored table: planning it tells the snapshot of a new statement.
CREATE OR REPLACE VIEW _statement AS SELECT 0 AS mark WHERE _statement_begins();
