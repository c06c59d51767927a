-- Advances of snapshot :dt, typed (rules §7). Grain: advance_id.
SELECT
  CAST(advance_id AS STRING) AS advance_id,
  CAST(partner_id AS BIGINT) AS partner_id,
  CAST(granted_on AS STRING) AS granted_on,
  CAST(amount_krw AS BIGINT) AS amount_krw
FROM raw.advance
WHERE dt = :dt
