-- Other revenue landed on :dt (rules §3). Grain: file, row_no.
-- A revenue_id counts once, ever: on its first landing day, there the smallest raw line.
WITH landed AS (
  SELECT
    dt AS landed_on, file, row_no, revenue_id, product_id, amount_krw, memo,
    row_number() OVER (PARTITION BY revenue_id ORDER BY dt, line, file, row_no) AS copy
  FROM raw.other_revenue
  WHERE dt <= :dt
)
SELECT
  CAST(file AS STRING) AS file,
  CAST(row_no AS BIGINT) AS row_no,
  CAST(revenue_id AS STRING) AS revenue_id,
  CAST(product_id AS STRING) AS product_id,
  CAST(amount_krw AS BIGINT) AS amount_krw,
  CAST(memo AS STRING) AS memo,
  CAST(CASE WHEN copy = 1 THEN 'counted' ELSE 'duplicate' END AS STRING) AS bucket
FROM landed
WHERE landed_on = :dt
