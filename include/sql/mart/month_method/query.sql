-- User-centric contracts that touch :month, cut to its days (rules §5: the catalogue snapshot of the version decides).
-- Grain: partner_id, right_type, service, from_day. Whatever has no row here is pro rata.
SELECT
  CAST(partner_id AS BIGINT) AS partner_id,
  CAST(right_type AS STRING) AS right_type,
  CAST(service AS STRING) AS service,
  CAST(CASE WHEN valid_from < :first_day THEN EPOCH_DAY(:first_day) ELSE EPOCH_DAY(valid_from) END AS BIGINT) AS from_day,
  CAST(
    CASE WHEN valid_to = '' OR valid_to > :last_day THEN EPOCH_DAY(:last_day) ELSE EPOCH_DAY(valid_to) END AS BIGINT
  ) AS to_day
FROM ods.contract
WHERE dt = :catalogue_day AND method = 'user_centric'
  AND valid_from <= :last_day AND (valid_to = '' OR valid_to >= :first_day)
