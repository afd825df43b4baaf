-- The fitted PCA models behind `distilled`, the newest with the highest distiller_id.
CREATE OR REPLACE VIEW distillers AS SELECT * FROM _distillers;
