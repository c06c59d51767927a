-- Days of products with a user-centric group whose plays mart.usage_user_daily didn't keep (rules §5): the contract came into
-- the catalogue later than the plays. Grain: product_id, day.
SELECT
  CAST(u.product_id AS STRING) AS product_id,
  CAST(EPOCH_DAY(u.dt) AS BIGINT) AS day,
  CAST(sum(u.qualified_plays) AS BIGINT) AS plays
FROM mart.usage_daily AS u
INNER JOIN (
  SELECT product_id
  FROM mart.month_group
  WHERE month = :month AND version = :version AND uc_weight > 0
  GROUP BY product_id
) AS g ON g.product_id = u.product_id
LEFT JOIN (
  SELECT dt, product_id
  FROM mart.usage_user_daily
  WHERE dt BETWEEN :first_day AND :last_day
  GROUP BY dt, product_id
) AS k ON k.dt = u.dt AND k.product_id = u.product_id
WHERE u.dt BETWEEN :first_day AND :last_day AND u.qualified_plays > 0 AND k.product_id IS NULL
GROUP BY u.product_id, u.dt
