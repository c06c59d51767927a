-- Products of snapshot :dt, typed. Grain: product_id.
SELECT
  CAST(product_id AS STRING) AS product_id,
  CAST(name AS STRING) AS name,
  CAST(service AS STRING) AS service,
  CAST(cohort AS STRING) AS cohort,
  CAST(list_price_krw AS BIGINT) AS list_price_krw
FROM raw.product
WHERE dt = :dt
