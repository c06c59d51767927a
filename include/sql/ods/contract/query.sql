-- Contracts of snapshot :dt, typed (rules §5). Grain: partner_id, right_type, service, valid_from.
SELECT
  CAST(partner_id AS BIGINT) AS partner_id,
  CAST(right_type AS STRING) AS right_type,
  CAST(service AS STRING) AS service,
  CAST(method AS STRING) AS method,
  CAST(valid_from AS STRING) AS valid_from,
  CAST(valid_to AS STRING) AS valid_to
FROM raw.contract
WHERE dt = :dt
