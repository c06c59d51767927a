-- Royalty of a partner in :month, :version by product and right type, in micro-won and in whole won (rules §7).
-- Grain: partner_id, product_id, right_type. Whole won by largest remainder within product and right type, ties by partner_id.
WITH cells AS (
  SELECT partner_id, product_id, right_type, sum(amount_uwon) AS royalty_uwon
  FROM mart.settlement_line
  WHERE month = :month AND version = :version
  GROUP BY partner_id, product_id, right_type
), floored AS (
  SELECT
    *,
    FLOOR_DIV(royalty_uwon, 1000000) AS whole_krw,
    royalty_uwon % CAST(1000000 AS DECIMAL(38, 0)) AS rest_uwon
  FROM cells
), ranked AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY product_id, right_type ORDER BY rest_uwon DESC, partner_id ASC) AS place,
    sum(rest_uwon) OVER (PARTITION BY product_id, right_type) AS rests_uwon
  FROM floored
)
SELECT
  CAST(partner_id AS BIGINT) AS partner_id,
  CAST(product_id AS STRING) AS product_id,
  CAST(right_type AS STRING) AS right_type,
  CAST(royalty_uwon AS DECIMAL(38, 0)) AS royalty_uwon,
  CAST(whole_krw + CASE WHEN place <= FLOOR_DIV(rests_uwon, 1000000) THEN 1 ELSE 0 END AS BIGINT) AS royalty_krw
FROM ranked
