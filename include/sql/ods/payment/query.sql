-- Payments landed on :dt with bucket and base (rules §3). Grain: file, row_no.
SELECT
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
  CAST(bucket AS STRING) AS bucket,
  CAST(base_uwon AS DECIMAL(38, 0)) AS base_uwon
FROM ods.payment_known
WHERE dt = :dt AND landed_on = :dt
