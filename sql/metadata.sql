-- What your files say of each call, with all their columns.
CREATE OR REPLACE VIEW metadata AS SELECT * FROM _metadata;
