-- Suspense of :month by month of origin (rules §7): the balance carries on; a delta belongs to the month that it restates.
-- Grain: origin_month.
WITH parts AS (
  SELECT origin_month, balance_krw
  FROM mart.suspense_age
  WHERE month = :previous_month
  UNION ALL
  SELECT :month AS origin_month, royalty_krw AS balance_krw
  FROM mart.statement_royalty
  WHERE month = :month AND version = :version AND partner_id = 0
  UNION ALL
  SELECT settled_month AS origin_month, delta_krw AS balance_krw
  FROM mart.adjustment
  WHERE month = :month AND version = :version AND partner_id = 0
  UNION ALL
  SELECT :month AS origin_month, CAST(0 AS BIGINT) AS balance_krw
)
SELECT
  CAST(origin_month AS STRING) AS origin_month,
  CAST(sum(balance_krw) AS BIGINT) AS balance_krw
FROM parts
GROUP BY origin_month
