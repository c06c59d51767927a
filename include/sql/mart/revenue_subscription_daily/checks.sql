-- Checks of mart.revenue_subscription_daily: each SELECT returns the rows that break it.

-- check: payer_known (fail): revenue goes back to a payment
SELECT r.product_id, r.subscription_id, r.user_id
FROM mart.revenue_subscription_daily AS r
LEFT JOIN (
  SELECT DISTINCT product_id, subscription_id, user_id FROM ods.payment_known WHERE dt = :dt AND bucket = 'counted'
) AS p ON p.product_id = r.product_id AND p.subscription_id = r.subscription_id AND p.user_id = r.user_id
WHERE r.dt = :dt AND p.user_id IS NULL;

-- check: refunds_positive (fail): refunds are reported positive
SELECT product_id, subscription_id, user_id, refunded_uwon
FROM mart.revenue_subscription_daily
WHERE dt = :dt AND refunded_uwon < 0;

-- check: within_base (fail): a day recognises at most the bases behind it
SELECT r.product_id, r.subscription_id, r.user_id, r.recognised_uwon, p.base_uwon
FROM mart.revenue_subscription_daily AS r
INNER JOIN (
  SELECT
    product_id,
    subscription_id,
    user_id,
    sum(CASE WHEN base_uwon > 0 THEN base_uwon ELSE CAST(0 AS DECIMAL(38, 0)) END) AS base_uwon
  FROM ods.payment_known
  WHERE dt = :dt AND bucket = 'counted'
  GROUP BY product_id, subscription_id, user_id
) AS p ON p.product_id = r.product_id AND p.subscription_id = r.subscription_id AND p.user_id = r.user_id
WHERE r.dt = :dt AND r.recognised_uwon > p.base_uwon;

-- check: payer_recognised (fail): whoever paid for a service range that has begun has a row
SELECT p.product_id, p.subscription_id, p.user_id
FROM (
  SELECT DISTINCT product_id, subscription_id, user_id
  FROM ods.payment_known
  WHERE dt = :dt AND bucket = 'counted' AND service_start <= :dt
) AS p
LEFT JOIN mart.revenue_subscription_daily AS r
  ON r.dt = :dt AND r.product_id = p.product_id AND r.subscription_id = p.subscription_id AND r.user_id = p.user_id
WHERE r.user_id IS NULL;
