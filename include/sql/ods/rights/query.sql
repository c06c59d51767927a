-- Rights of snapshot :dt, typed (rules §1). Grain: track_id, right_type, partner_id, valid_from.
SELECT
  CAST(track_id AS BIGINT) AS track_id,
  CAST(right_type AS STRING) AS right_type,
  CAST(partner_id AS BIGINT) AS partner_id,
  CAST(share_ppm AS BIGINT) AS share_ppm,
  CAST(valid_from AS STRING) AS valid_from,
  CAST(valid_to AS STRING) AS valid_to
FROM raw.rights
WHERE dt = :dt
