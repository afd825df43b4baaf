-- The two-sided p-value of a standard normal score: two_sided_p(1.96) is 0.05.
-- erfc by Chebyshev fitting (Press et al., Numerical Recipes, 6.2), relative error below 1.2e-7.
CREATE OR REPLACE MACRO two_sided_p(score) AS (
    SELECT t * exp(-x * x - 1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418
        + t * (-0.18628806 + t * (0.27886807 + t * (-1.13520398 + t * (1.48851587
        + t * (-0.82215223 + t * 0.17087277)))))))))
    FROM (SELECT abs(score) / sqrt(2) AS x, 1 / (1 + abs(score) / sqrt(8)) AS t)
);
