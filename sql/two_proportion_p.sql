-- The p-value that two shares are one: the pooled two-proportion z-test, two-sided.
CREATE OR REPLACE MACRO two_proportion_p(hits_1, tries_1, hits_2, tries_2) AS
    CASE
        WHEN tries_1 = 0 OR tries_2 = 0 THEN NULL
        WHEN hits_1 + hits_2 IN (0, tries_1 + tries_2) THEN 1
        ELSE two_sided_p((hits_1 / tries_1 - hits_2 / tries_2) / sqrt(
            (hits_1 + hits_2) / (tries_1 + tries_2)
            * (1 - (hits_1 + hits_2) / (tries_1 + tries_2)) * (1 / tries_1 + 1 / tries_2)))
    END;
