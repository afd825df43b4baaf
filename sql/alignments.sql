-- Linear maps from voice to another space.
CREATE OR REPLACE VIEW alignments AS SELECT * FROM _alignments;
