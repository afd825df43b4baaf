-- A voice's vector in the space of an alignment, such as that of sentence embeddings.
CREATE OR REPLACE MACRO e2v_align(vector, alignment) AS
    _e2v_align(vector::FLOAT[], alignment::VARCHAR);
