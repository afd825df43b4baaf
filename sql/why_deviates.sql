-- Where does a call differ from a reference set: by dimension, by band (a rule of thumb), by frame?
CREATE OR REPLACE MACRO why_deviates(id, reference, top := 10) AS TABLE
SELECT reason.kind, reason.key, reason.contribution
FROM (
    SELECT unnest(_e2v_why_deviates(id::VARCHAR, reference::VARCHAR, top::INTEGER)) AS reason
    FROM _statement
);
