-- Which product makes people angry, and when?
SELECT product, strftime(bucket, '%Y-%m') AS month, calls, round(angry_share, 2) AS angry_share
FROM product_trend(bucket := 'month')
ORDER BY angry_share DESC NULLS LAST
LIMIT 5;
