-- Revenue of :month by product, with the negative carry that came in and what goes on (rules §4). Grain: product_id.
-- A carry stays in the table when neither revenue nor the month-end snapshot knows its product any more.
WITH parts AS (
  SELECT product_id, recognised_uwon, CAST(0 AS DECIMAL(38, 0)) AS carry_in_uwon
  FROM mart.revenue_daily
  WHERE dt BETWEEN :first_day AND :last_day
  UNION ALL
  SELECT product_id, CAST(0 AS DECIMAL(38, 0)) AS recognised_uwon, carry_out_uwon AS carry_in_uwon
  FROM mart.revenue_carry
  WHERE month = :previous_month AND carry_out_uwon < 0
), totals AS (
  SELECT
    product_id,
    sum(recognised_uwon) AS recognised_uwon,
    sum(carry_in_uwon) AS carry_in_uwon
  FROM parts
  GROUP BY product_id
)
SELECT
  CAST(product_id AS STRING) AS product_id,
  CAST(recognised_uwon AS DECIMAL(38, 0)) AS recognised_uwon,
  CAST(carry_in_uwon AS DECIMAL(38, 0)) AS carry_in_uwon,
  CAST(recognised_uwon + carry_in_uwon AS DECIMAL(38, 0)) AS revenue_uwon,
  CAST(
    CASE
      WHEN recognised_uwon + carry_in_uwon < 0 THEN recognised_uwon + carry_in_uwon
      ELSE CAST(0 AS DECIMAL(38, 0))
    END AS DECIMAL(38, 0)
  ) AS carry_out_uwon
FROM totals
