-- The upper end of the 95 % Wilson interval of a share: wilson_high(hits, tries).
CREATE OR REPLACE MACRO wilson_high(hits, tries) AS
    CASE WHEN tries > 0 THEN least(1, (hits + 1.920729410347062 + 1.959963984540054
        * sqrt(hits * (tries - hits)::DOUBLE / tries + 0.960364705173531))
        / (tries + 3.841458820694124)) END;
