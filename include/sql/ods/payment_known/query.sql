-- Payments known on :dt that matter to it (rules §3): landed on :dt, or counted before with a service range that covers :dt.
-- Grain: landed_on, file, row_no. A payment_id counts once, ever; a refund takes the day and the channel of its charge.
WITH landed AS (
  SELECT
    dt AS landed_on, file, row_no, payment_id, kind, refund_of, user_id, subscription_id, product_id, sale_channel,
    paid_kst_day, gross_krw, web_price_krw, service_start, service_end,
    row_number() OVER (PARTITION BY payment_id ORDER BY dt, paid_at_us, line, file, row_no) AS copy
  FROM raw.payment
  WHERE dt <= :dt
), first_seen AS (
  SELECT
    dt AS landed_on, payment_id, kind, sale_channel, paid_kst_day,
    row_number() OVER (PARTITION BY payment_id ORDER BY dt, paid_at_us, line, file, row_no) AS copy
  FROM raw.payment
  WHERE dt <= :dt
), matching AS (
  SELECT
    l.*,
    l.kind = 'charge' OR c.payment_id IS NOT NULL AS charge_known,
    coalesce(c.sale_channel, l.sale_channel) AS rule_channel,
    coalesce(c.paid_kst_day, l.paid_kst_day) AS rule_day
  FROM landed AS l
  LEFT JOIN first_seen AS c
    ON l.kind = 'refund' AND c.payment_id = l.refund_of AND c.copy = 1 AND c.kind = 'charge' AND c.landed_on <= l.landed_on
  WHERE l.landed_on = :dt OR (l.copy = 1 AND l.service_start <= :dt AND :dt <= l.service_end)
), priced AS (
  SELECT
    m.*,
    CAST(CASE WHEN a.valid_from IS NOT NULL THEN m.web_price_krw ELSE m.gross_krw END AS BIGINT) AS price_krw
  FROM matching AS m
  LEFT JOIN ref.in_app_rule AS a
    ON m.rule_channel IN ('app_store', 'play_store')
      AND EPOCH_DAY(a.valid_from) <= m.rule_day AND (a.valid_to = '' OR m.rule_day <= EPOCH_DAY(a.valid_to))
), based AS (
  SELECT *, FLOOR_DIV(MUL(MUL(price_krw, 1000000), 10), 11) AS base
  FROM priced
)
SELECT
  CAST(landed_on AS STRING) AS landed_on,
  CAST(file AS STRING) AS file,
  CAST(row_no AS BIGINT) AS row_no,
  CAST(payment_id AS STRING) AS payment_id,
  CAST(kind AS STRING) AS kind,
  CAST(refund_of AS STRING) AS refund_of,
  CAST(charge_known AS BOOLEAN) AS charge_known,
  CAST(user_id AS BIGINT) AS user_id,
  CAST(subscription_id AS STRING) AS subscription_id,
  CAST(product_id AS STRING) AS product_id,
  CAST(sale_channel AS STRING) AS sale_channel,
  CAST(service_start AS STRING) AS service_start,
  CAST(service_end AS STRING) AS service_end,
  CAST(CASE WHEN copy = 1 THEN 'counted' ELSE 'duplicate' END AS STRING) AS bucket,
  CAST(CASE WHEN kind = 'refund' THEN -base ELSE base END AS DECIMAL(38, 0)) AS base_uwon
FROM based
