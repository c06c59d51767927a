-- Lines of :month, :version in micro-won (rules §6). Grain: product_id, track_id, right_type, partner_id, kind.
-- The pro-rata group is spread over its weights; the user-centric group payer by payer, and what payers without weight bring
-- (or all of it, when nobody paid) over the group's weights. What flooring left, or a pool without plays, goes to suspense.
WITH rest AS (
  SELECT product_id, right_type, sum(CASE WHEN weight = 0 THEN pool_uwon ELSE CAST(0 AS DECIMAL(38, 0)) END) AS rest_uwon
  FROM mart.month_user_pool
  WHERE month = :month AND version = :version
  GROUP BY product_id, right_type
), divided AS (
  SELECT
    p.product_id, p.right_type,
    MUL(p.pool_krw, 1000000) AS pool_uwon,
    g.weight AS pool_weight, g.uc_weight AS pool_uc_weight, g.pr_pool_uwon,
    coalesce(r.rest_uwon, g.uc_pool_uwon) AS rest_uwon
  FROM mart.pool AS p
  LEFT JOIN mart.month_group AS g
    ON g.month = :month AND g.version = :version AND g.product_id = p.product_id AND g.right_type = p.right_type
  LEFT JOIN rest AS r ON r.product_id = p.product_id AND r.right_type = p.right_type
  WHERE p.month = :month AND p.version = :version
), spread AS (
  SELECT
    d.product_id, d.right_type, d.pool_uwon, w.track_id, w.partner_id, w.plays, w.weight,
    d.pool_weight IS NOT NULL AS has_plays,
    CASE
      WHEN w.weight > w.uc_weight THEN FLOOR_DIV(MUL(d.pr_pool_uwon, w.weight - w.uc_weight), d.pool_weight - d.pool_uc_weight)
      ELSE CAST(0 AS DECIMAL(38, 0))
    END AS pr_uwon,
    CASE
      WHEN w.uc_weight > 0 THEN FLOOR_DIV(MUL(d.rest_uwon, w.uc_weight), d.pool_uc_weight)
      ELSE CAST(0 AS DECIMAL(38, 0))
    END AS rest_uwon,
    coalesce(u.amount_uwon, CAST(0 AS DECIMAL(38, 0))) AS user_uwon,
    CASE
      WHEN d.pool_weight IS NULL THEN CAST(0 AS DECIMAL(38, 0))
      ELSE FLOOR_DIV(MUL(d.pool_uwon, w.weight), d.pool_weight)
    END AS shadow_uwon
  FROM divided AS d
  LEFT JOIN mart.month_weight AS w
    ON w.month = :month AND w.version = :version AND w.product_id = d.product_id AND w.right_type = d.right_type
  LEFT JOIN mart.month_user_line AS u
    ON u.month = :month AND u.version = :version AND u.product_id = w.product_id AND u.right_type = w.right_type
      AND u.track_id = w.track_id AND u.partner_id = w.partner_id
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
    pr_uwon + user_uwon + rest_uwon AS amount_uwon,
    shadow_uwon,
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
    CASE WHEN is_rest = 1 THEN max(pool_uwon) - sum(amount_uwon) ELSE sum(amount_uwon) END AS amount_uwon,
    CASE WHEN is_rest = 1 THEN max(pool_uwon) - sum(shadow_uwon) ELSE sum(shadow_uwon) END AS shadow_uwon
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
  CAST(shadow_uwon AS DECIMAL(38, 0)) AS pro_rata_uwon
FROM lines
WHERE kind <> 'rounding' OR amount_uwon <> 0 OR shadow_uwon <> 0
