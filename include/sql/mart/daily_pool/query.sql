-- Provisional pools of :dt (rules §9): the legs of §4 without sub_leg and carry, with the rate card of the day.
-- Grain: product_id, right_type. A row of the rate card with neither unit price nor revenue rate gives no pool.
WITH carded AS (
  SELECT d.product_id, c.right_type, c.unit_price_uwon, c.revenue_rate_ppm
  FROM ods.product AS d
  INNER JOIN ref.rate_card AS c
    ON c.service = d.service AND (c.cohort = 'all' OR c.cohort = d.cohort)
      AND c.valid_from <= :dt AND (c.valid_to = '' OR :dt <= c.valid_to)
  WHERE d.dt = :dt AND d.service <> 'promo' AND NOT c.no_pool
    AND (c.unit_price_uwon IS NOT NULL OR c.revenue_rate_ppm IS NOT NULL)
), usage AS (
  SELECT product_id, sum(qualified_plays) AS plays
  FROM mart.usage_daily
  WHERE dt = :dt
  GROUP BY product_id
), measured AS (
  SELECT
    c.product_id, c.right_type, c.unit_price_uwon, c.revenue_rate_ppm,
    coalesce(u.plays, 0) AS plays,
    coalesce(r.recognised_uwon, CAST(0 AS DECIMAL(38, 0))) AS revenue_uwon
  FROM carded AS c
  LEFT JOIN usage AS u ON u.product_id = c.product_id
  LEFT JOIN mart.revenue_daily AS r ON r.dt = :dt AND r.product_id = c.product_id
), legs AS (
  SELECT
    product_id, right_type, plays, revenue_uwon,
    MUL(unit_price_uwon, plays) AS unit_leg,
    FLOOR_DIV(
      MUL(CASE WHEN revenue_uwon < 0 THEN CAST(0 AS DECIMAL(38, 0)) ELSE revenue_uwon END, revenue_rate_ppm), 1000000
    ) AS rev_leg
  FROM measured
), won AS (
  SELECT
    product_id, right_type, plays, revenue_uwon, unit_leg, rev_leg,
    CASE WHEN unit_leg >= coalesce(rev_leg, CAST(0 AS DECIMAL(38, 0))) THEN 'unit_leg' ELSE 'rev_leg' END AS winner
  FROM legs
), pooled AS (
  SELECT *, CASE winner WHEN 'unit_leg' THEN unit_leg ELSE rev_leg END AS pool_uwon
  FROM won
)
SELECT
  CAST(product_id AS STRING) AS product_id,
  CAST(right_type AS STRING) AS right_type,
  CAST(plays AS BIGINT) AS qualified_plays,
  CAST(revenue_uwon AS DECIMAL(38, 0)) AS revenue_uwon,
  CAST(unit_leg AS DECIMAL(38, 0)) AS unit_leg_uwon,
  CAST(rev_leg AS DECIMAL(38, 0)) AS rev_leg_uwon,
  CAST(winner AS STRING) AS winner,
  CAST(pool_uwon AS DECIMAL(38, 0)) AS pool_uwon,
  CAST(FLOOR_DIV(pool_uwon + 500000, 1000000) AS BIGINT) AS pool_krw
FROM pooled
