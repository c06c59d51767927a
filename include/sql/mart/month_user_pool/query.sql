-- Payers' parts of the user-centric groups (rules §6): pool_u = floor(P_uc × r_u / R_uc). Grain: product_id, right_type, user_id.
-- A user whose net revenue of the month is not above 0 is no payer.
WITH payers AS (
  SELECT product_id, user_id, sum(recognised_uwon) AS revenue_uwon
  FROM mart.revenue_subscription_daily
  WHERE dt BETWEEN :first_day AND :last_day
  GROUP BY product_id, user_id
  HAVING sum(recognised_uwon) > 0
), totals AS (
  SELECT product_id, user_id, revenue_uwon, sum(revenue_uwon) OVER (PARTITION BY product_id) AS total_uwon
  FROM payers
), weights AS (
  SELECT product_id, right_type, user_id, sum(weight) AS weight
  FROM mart.month_user_weight
  WHERE month = :month AND version = :version
  GROUP BY product_id, right_type, user_id
)
SELECT
  CAST(g.product_id AS STRING) AS product_id,
  CAST(g.right_type AS STRING) AS right_type,
  CAST(t.user_id AS BIGINT) AS user_id,
  CAST(t.revenue_uwon AS DECIMAL(38, 0)) AS revenue_uwon,
  CAST(coalesce(w.weight, CAST(0 AS DECIMAL(38, 0))) AS DECIMAL(38, 0)) AS weight,
  CAST(FLOOR_DIV(MUL(g.uc_pool_uwon, t.revenue_uwon), t.total_uwon) AS DECIMAL(38, 0)) AS pool_uwon
FROM mart.month_group AS g
INNER JOIN totals AS t ON t.product_id = g.product_id
LEFT JOIN weights AS w ON w.product_id = g.product_id AND w.right_type = g.right_type AND w.user_id = t.user_id
WHERE g.month = :month AND g.version = :version AND g.uc_weight > 0
