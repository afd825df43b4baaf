-- The k calls nearest to a vector, as a list of structs, nearest first.
CREATE OR REPLACE MACRO e2v_search
    (vector, k) AS _e2v_search(vector::FLOAT[], k::INTEGER, NULL::VARCHAR, 'auto'),
    (vector, k, filter) AS _e2v_search(vector::FLOAT[], k::INTEGER, filter::VARCHAR, 'auto'),
    (vector, k, filter, mode) AS
        _e2v_search(vector::FLOAT[], k::INTEGER, filter::VARCHAR, mode::VARCHAR);
