-- Rights that touch :month, cut to its days (rules §5: the catalogue snapshot of the version decides).
-- Grain: track_id, right_type, partner_id, from_day. Rights of a track that the snapshot lacks count for nothing.
SELECT
  CAST(r.track_id AS BIGINT) AS track_id,
  CAST(r.right_type AS STRING) AS right_type,
  CAST(r.partner_id AS BIGINT) AS partner_id,
  CAST(r.share_ppm AS BIGINT) AS share_ppm,
  CAST(CASE WHEN r.valid_from < :first_day THEN EPOCH_DAY(:first_day) ELSE EPOCH_DAY(r.valid_from) END AS BIGINT) AS from_day,
  CAST(
    CASE WHEN r.valid_to = '' OR r.valid_to > :last_day THEN EPOCH_DAY(:last_day) ELSE EPOCH_DAY(r.valid_to) END AS BIGINT
  ) AS to_day
FROM ods.rights AS r
INNER JOIN ods.track AS t ON t.dt = :catalogue_day AND t.track_id = r.track_id
WHERE r.dt = :catalogue_day AND r.share_ppm > 0
  AND r.valid_from <= :last_day AND (r.valid_to = '' OR r.valid_to >= :first_day)
