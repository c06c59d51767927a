-- Provisional lines of :dt in micro-won (rules §9): all pro rata. Grain: product_id, track_id, right_type, partner_id, kind.
WITH weighted AS (
  SELECT
    product_id, right_type, track_id, partner_id, plays, weight,
    sum(weight) OVER (PARTITION BY product_id, right_type) AS pool_weight
  FROM mart.daily_weight
  WHERE dt = :dt
), spread AS (
  SELECT
    p.product_id, p.right_type, w.track_id, w.partner_id, w.plays, w.weight,
    MUL(p.pool_krw, 1000000) AS pool_uwon,
    w.pool_weight IS NOT NULL AS has_plays,
    CASE
      WHEN w.pool_weight IS NULL THEN CAST(0 AS DECIMAL(38, 0))
      ELSE FLOOR_DIV(MUL(MUL(p.pool_krw, 1000000), w.weight), w.pool_weight)
    END AS amount_uwon
  FROM mart.daily_pool AS p
  LEFT JOIN weighted AS w ON w.product_id = p.product_id AND w.right_type = p.right_type
  WHERE p.dt = :dt
), twice AS (
  -- each row once for itself (is_rest = 0) and once for what is left of its pool (is_rest = 1)
  SELECT
    product_id,
    right_type,
    CASE WHEN k.is_rest = 0 THEN track_id ELSE CAST(0 AS BIGINT) END AS track_id,
    CASE WHEN k.is_rest = 0 THEN partner_id ELSE CAST(0 AS BIGINT) END AS partner_id,
    CASE
      WHEN k.is_rest = 1 AND has_plays THEN 'rounding'
      WHEN k.is_rest = 1 THEN 'no_plays'
      WHEN partner_id = 0 THEN 'unmatched'
      ELSE 'royalty'
    END AS kind,
    CASE WHEN k.is_rest = 0 THEN plays ELSE CAST(0 AS BIGINT) END AS plays,
    CASE WHEN k.is_rest = 0 THEN weight ELSE CAST(0 AS DECIMAL(38, 0)) END AS weight,
    pool_uwon,
    amount_uwon,
    k.is_rest
  FROM spread
  CROSS JOIN (
    SELECT 0 AS is_rest
    UNION ALL
    SELECT 1 AS is_rest
  ) AS k
  WHERE k.is_rest = 1 OR has_plays
), lines AS (
  SELECT
    product_id, track_id, right_type, partner_id, kind, is_rest,
    sum(plays) AS plays,
    sum(weight) AS weight,
    CASE WHEN is_rest = 1 THEN max(pool_uwon) - sum(amount_uwon) ELSE sum(amount_uwon) END AS amount_uwon
  FROM twice
  GROUP BY product_id, track_id, right_type, partner_id, kind, is_rest
)
SELECT
  CAST(product_id AS STRING) AS product_id,
  CAST(track_id AS BIGINT) AS track_id,
  CAST(right_type AS STRING) AS right_type,
  CAST(partner_id AS BIGINT) AS partner_id,
  CAST(kind AS STRING) AS kind,
  CAST(plays AS BIGINT) AS plays,
  CAST(weight AS DECIMAL(38, 0)) AS weight,
  CAST(amount_uwon AS DECIMAL(38, 0)) AS amount_uwon,
  CAST(amount_uwon AS DECIMAL(38, 0)) AS pro_rata_uwon
FROM lines
WHERE kind <> 'rounding' OR amount_uwon <> 0
