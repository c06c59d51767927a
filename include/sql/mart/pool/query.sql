-- Pools of :month, :version: the three legs of the rate-card row and the largest of them (rules §4).
-- Grain: product_id, right_type, for the products of the month-end snapshot whose service and cohort have a pool.
WITH carded AS (
  SELECT
    d.product_id, d.service, d.cohort, c.right_type, c.cohort AS rate_cohort, c.valid_from, c.valid_to,
    c.unit_price_uwon, c.per_subscriber_krw, c.revenue_rate_ppm, c.source
  FROM ods.product AS d
  INNER JOIN ref.rate_card AS c
    ON c.service = d.service AND (c.cohort = 'all' OR c.cohort = d.cohort)
      AND c.valid_from <= :first_day AND (c.valid_to = '' OR :first_day <= c.valid_to)
  WHERE d.dt = :last_day AND d.service <> 'promo' AND NOT c.no_pool
), usage AS (
  SELECT product_id, sum(qualified_plays) AS plays
  FROM mart.usage_daily
  WHERE dt BETWEEN :first_day AND :last_day
  GROUP BY product_id
), subscription_days AS (
  SELECT product_id, subscription_id
  FROM mart.revenue_subscription_daily
  WHERE dt BETWEEN :first_day AND :last_day AND subscription_id <> ''
  GROUP BY product_id, subscription_id, dt
  HAVING sum(recognised_uwon) > 0
), subscribers AS (
  SELECT product_id, count(DISTINCT subscription_id) AS subscribers
  FROM subscription_days
  GROUP BY product_id
), measured AS (
  SELECT
    c.*,
    coalesce(u.plays, 0) AS plays,
    coalesce(s.subscribers, 0) AS subscribers,
    coalesce(r.revenue_uwon, CAST(0 AS DECIMAL(38, 0))) AS revenue_uwon,
    coalesce(r.carry_in_uwon, CAST(0 AS DECIMAL(38, 0))) AS carry_uwon
  FROM carded AS c
  LEFT JOIN usage AS u ON u.product_id = c.product_id
  LEFT JOIN subscribers AS s ON s.product_id = c.product_id
  LEFT JOIN mart.revenue_carry AS r ON r.month = :month AND r.version = :version AND r.product_id = c.product_id
), legs AS (
  SELECT
    *,
    MUL(unit_price_uwon, plays) AS unit_leg,
    MUL(MUL(per_subscriber_krw, 1000000), subscribers) AS sub_leg,
    FLOOR_DIV(
      MUL(CASE WHEN revenue_uwon < 0 THEN CAST(0 AS DECIMAL(38, 0)) ELSE revenue_uwon END, revenue_rate_ppm), 1000000
    ) AS rev_leg
  FROM measured
), won AS (
  -- a leg that the row lacks is null and never wins; ties go to the leg named first
  SELECT
    *,
    CASE
      WHEN unit_leg >= coalesce(sub_leg, CAST(0 AS DECIMAL(38, 0))) AND unit_leg >= coalesce(rev_leg, CAST(0 AS DECIMAL(38, 0)))
        THEN 'unit_leg'
      WHEN sub_leg >= coalesce(rev_leg, CAST(0 AS DECIMAL(38, 0))) THEN 'sub_leg'
      ELSE 'rev_leg'
    END AS winner
  FROM legs
), pooled AS (
  SELECT *, CASE winner WHEN 'unit_leg' THEN unit_leg WHEN 'sub_leg' THEN sub_leg ELSE rev_leg END AS pool_uwon
  FROM won
)
SELECT
  CAST(product_id AS STRING) AS product_id,
  CAST(right_type AS STRING) AS right_type,
  CAST(service AS STRING) AS service,
  CAST(cohort AS STRING) AS cohort,
  CAST(plays AS BIGINT) AS qualified_plays,
  CAST(subscribers AS BIGINT) AS subscribers,
  CAST(revenue_uwon AS DECIMAL(38, 0)) AS revenue_uwon,
  CAST(carry_uwon AS DECIMAL(38, 0)) AS carry_uwon,
  CAST(unit_leg AS DECIMAL(38, 0)) AS unit_leg_uwon,
  CAST(sub_leg AS DECIMAL(38, 0)) AS sub_leg_uwon,
  CAST(rev_leg AS DECIMAL(38, 0)) AS rev_leg_uwon,
  CAST(winner AS STRING) AS winner,
  CAST(pool_uwon AS DECIMAL(38, 0)) AS pool_uwon,
  CAST(FLOOR_DIV(pool_uwon + 500000, 1000000) AS BIGINT) AS pool_krw,
  CAST(rate_cohort AS STRING) AS rate_cohort,
  CAST(valid_from AS STRING) AS rate_valid_from,
  CAST(valid_to AS STRING) AS rate_valid_to,
  CAST(unit_price_uwon AS BIGINT) AS unit_price_uwon,
  CAST(per_subscriber_krw AS BIGINT) AS per_subscriber_krw,
  CAST(revenue_rate_ppm AS BIGINT) AS revenue_rate_ppm,
  CAST(source AS STRING) AS rate_source
FROM pooled
