-- Each call's nearest calls, made by `e2vdb neighbors`.
CREATE OR REPLACE VIEW neighbors AS SELECT * FROM _neighbors;
