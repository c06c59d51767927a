-- Partners of the statements of :month, with royalty, adjustment and carry-in (rules §7). Grain: partner_id.
-- Suspense always has a statement.
WITH parts AS (
  SELECT partner_id, royalty_krw, CAST(0 AS BIGINT) AS adjustment_krw, CAST(0 AS BIGINT) AS carried_in_krw
  FROM mart.statement_royalty
  WHERE month = :month AND version = :version
  UNION ALL
  SELECT partner_id, CAST(0 AS BIGINT) AS royalty_krw, delta_krw AS adjustment_krw, CAST(0 AS BIGINT) AS carried_in_krw
  FROM mart.adjustment
  WHERE month = :month AND version = :version
  UNION ALL
  SELECT partner_id, CAST(0 AS BIGINT) AS royalty_krw, CAST(0 AS BIGINT) AS adjustment_krw, carried_out_krw AS carried_in_krw
  FROM mart.statement
  WHERE month = :previous_month AND carried_out_krw <> 0
  UNION ALL
  SELECT
    CAST(0 AS BIGINT) AS partner_id, CAST(0 AS BIGINT) AS royalty_krw, CAST(0 AS BIGINT) AS adjustment_krw,
    CAST(0 AS BIGINT) AS carried_in_krw
)
SELECT
  CAST(partner_id AS BIGINT) AS partner_id,
  CAST(sum(royalty_krw) AS BIGINT) AS royalty_krw,
  CAST(sum(adjustment_krw) AS BIGINT) AS adjustment_krw,
  CAST(sum(royalty_krw) + sum(adjustment_krw) AS BIGINT) AS net_krw,
  CAST(sum(carried_in_krw) AS BIGINT) AS carried_in_krw
FROM parts
GROUP BY partner_id
