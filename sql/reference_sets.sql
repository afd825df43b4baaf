-- Named lists of calls to compare others with.
CREATE OR REPLACE VIEW reference_sets AS SELECT * FROM _reference_sets;
