-- Subscription revenue recognised on :dt (rules §3). Grain: product_id, subscription_id, user_id.
-- A base is spread over the n days of its service range; what lies on or before the landing day is recognised on it.
WITH spread AS (
  SELECT
    product_id, subscription_id, user_id, kind, landed_on,
    CASE WHEN base_uwon < 0 THEN -base_uwon ELSE base_uwon END AS base,
    EPOCH_DAY(service_end) - EPOCH_DAY(service_start) + 1 AS days,
    CASE WHEN :dt < service_end THEN EPOCH_DAY(:dt) ELSE EPOCH_DAY(service_end) END - EPOCH_DAY(service_start) + 1 AS day
  FROM ods.payment_known
  WHERE dt = :dt AND bucket = 'counted' AND service_start <= :dt
), parts AS (
  SELECT
    product_id, subscription_id, user_id, kind,
    FLOOR_DIV(MUL(base, day), days)
    - CASE WHEN landed_on = :dt THEN CAST(0 AS DECIMAL(38, 0)) ELSE FLOOR_DIV(MUL(base, day - 1), days) END AS part
  FROM spread
)
SELECT
  CAST(product_id AS STRING) AS product_id,
  CAST(subscription_id AS STRING) AS subscription_id,
  CAST(user_id AS BIGINT) AS user_id,
  CAST(sum(CASE WHEN kind = 'refund' THEN -part ELSE part END) AS DECIMAL(38, 0)) AS recognised_uwon,
  CAST(sum(CASE WHEN kind = 'refund' THEN part ELSE CAST(0 AS DECIMAL(38, 0)) END) AS DECIMAL(38, 0)) AS refunded_uwon
FROM parts
GROUP BY product_id, subscription_id, user_id
