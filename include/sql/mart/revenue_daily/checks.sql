-- Checks of mart.revenue_daily: each SELECT returns the rows that break it.

-- check: revenue_adds_up (fail): revenue of a product = subscriptions + other revenue
SELECT p.product_id, p.revenue_uwon, r.recognised_uwon
FROM (
  SELECT product_id, sum(uwon) AS revenue_uwon
  FROM (
    SELECT product_id, recognised_uwon AS uwon FROM mart.revenue_subscription_daily WHERE dt = :dt
    UNION ALL
    SELECT product_id, MUL(amount_krw, 1000000) AS uwon FROM ods.other_revenue WHERE dt = :dt AND bucket = 'counted'
  ) AS parts
  GROUP BY product_id
) AS p
FULL JOIN (SELECT product_id, recognised_uwon FROM mart.revenue_daily WHERE dt = :dt) AS r ON r.product_id = p.product_id
WHERE p.product_id IS NULL OR r.product_id IS NULL OR p.revenue_uwon <> r.recognised_uwon;

-- check: refunds_add_up (fail): refunds of a product = refunds of its subscriptions
SELECT r.product_id, r.refunded_uwon
FROM mart.revenue_daily AS r
LEFT JOIN (
  SELECT product_id, sum(refunded_uwon) AS refunded_uwon FROM mart.revenue_subscription_daily WHERE dt = :dt GROUP BY product_id
) AS s ON s.product_id = r.product_id
WHERE r.dt = :dt AND r.refunded_uwon <> coalesce(s.refunded_uwon, CAST(0 AS DECIMAL(38, 0)));
