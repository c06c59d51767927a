-- Partners of snapshot :dt, typed (rules §1). Grain: partner_id.
SELECT
  CAST(partner_id AS BIGINT) AS partner_id,
  CAST(name AS STRING) AS name,
  CAST(kind AS STRING) AS kind,
  CAST(dpid AS STRING) AS dpid,
  CAST(tax_kind AS STRING) AS tax_kind,
  CAST(payout_threshold_krw AS BIGINT) AS payout_threshold_krw,
  CAST(report_formats AS STRING) AS report_formats,
  CAST(active_from AS STRING) AS active_from,
  CAST(active_to AS STRING) AS active_to
FROM raw.partner
WHERE dt = :dt
