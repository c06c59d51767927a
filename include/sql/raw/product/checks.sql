-- Checks of raw.product: each SELECT returns the rows that break it.

-- check: product_id_once (fail): a product_id stands once in a snapshot
SELECT file, row_no, product_id
FROM (
  SELECT file, row_no, product_id, count(*) OVER (PARTITION BY product_id) AS times
  FROM raw.product
  WHERE dt = :dt
) AS counted
WHERE times > 1;
