-- The lower end of the 95 % interval of share 2 minus share 1 (Newcombe's hybrid score method).
CREATE OR REPLACE MACRO difference_low(hits_1, tries_1, hits_2, tries_2) AS
    hits_2 / tries_2 - hits_1 / tries_1 - sqrt(
        pow(hits_2 / tries_2 - wilson_low(hits_2, tries_2), 2)
        + pow(wilson_high(hits_1, tries_1) - hits_1 / tries_1, 2));
