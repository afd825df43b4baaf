-- What was said, as vectors of an alignment's space.
CREATE OR REPLACE VIEW text_vectors AS SELECT * FROM _text_vectors;
