-- How does each product sound from bucket to bucket? product_trend(bucket := 'week', product := NULL)
CREATE OR REPLACE MACRO product_trend(bucket := 'week', product := NULL) AS TABLE
SELECT trend.bucket, trend.member AS product, trend.* EXCLUDE (bucket, member)
FROM trend_by('product', bucket := bucket, member_only := product) AS trend;
