-- Revenue recognised on :dt by product (rules §3). Grain: product_id.
WITH by_subscription AS (
  SELECT
    product_id,
    subscription_id,
    sum(recognised_uwon) AS recognised_uwon,
    sum(refunded_uwon) AS refunded_uwon
  FROM mart.revenue_subscription_daily
  WHERE dt = :dt
  GROUP BY product_id, subscription_id
), sources AS (
  SELECT
    product_id,
    recognised_uwon,
    refunded_uwon,
    CASE WHEN subscription_id <> '' AND recognised_uwon > 0 THEN 1 ELSE 0 END AS subscriptions
  FROM by_subscription
  UNION ALL
  SELECT
    product_id,
    MUL(amount_krw, 1000000) AS recognised_uwon,
    CAST(0 AS DECIMAL(38, 0)) AS refunded_uwon,
    0 AS subscriptions
  FROM ods.other_revenue
  WHERE dt = :dt AND bucket = 'counted'
)
SELECT
  CAST(product_id AS STRING) AS product_id,
  CAST(sum(recognised_uwon) AS DECIMAL(38, 0)) AS recognised_uwon,
  CAST(sum(refunded_uwon) AS DECIMAL(38, 0)) AS refunded_uwon,
  CAST(sum(subscriptions) AS BIGINT) AS subscriptions
FROM sources
GROUP BY product_id
