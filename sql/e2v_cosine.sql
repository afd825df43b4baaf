-- The cosine similarity of two vectors of any equal length, in double precision.
CREATE OR REPLACE MACRO e2v_cosine(a, b) AS
    -- The list of one makes each argument an expression that is computed once.
    list_transform(
        [{'a': a::DOUBLE[], 'b': b::DOUBLE[]}],
        lambda pair: CASE
            WHEN pair.a IS NULL OR pair.b IS NULL THEN
                error('e2v_cosine: a vector is NULL; leave out calls without one.')
            WHEN len(pair.a) <> len(pair.b) OR len(pair.a) = 0 THEN
                error(
                    'e2v_cosine: the vectors have ' || len(pair.a) || ' and ' || len(pair.b)
                    || ' values, expected equal lengths above zero.'
                )
            WHEN len(list_filter(pair.a, lambda x: x IS NULL)) > 0
                OR len(list_filter(pair.b, lambda x: x IS NULL)) > 0 THEN
                error('e2v_cosine: a vector holds NULL.')
            WHEN NOT isfinite(list_inner_product(pair.a, pair.a))
                OR NOT isfinite(list_inner_product(pair.b, pair.b)) THEN
                error('e2v_cosine: a vector holds NaN or infinity.')
            WHEN list_inner_product(pair.a, pair.a) = 0
                OR list_inner_product(pair.b, pair.b) = 0 THEN
                error('e2v_cosine: a vector is all zero and has no direction.')
            ELSE list_cosine_similarity(pair.a, pair.b)
        END
    )[1];
