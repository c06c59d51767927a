-- Plays of landing folder :dt, each in the first bucket that applies (rules §2). Grain: file, row_no.
WITH landed AS (
  SELECT
    p.file,
    p.row_no,
    p.well_formed,
    p.play_id,
    CAST(p.user_id AS BIGINT) AS user_id,
    CAST(p.subscription_id AS BIGINT) AS subscription_id,
    p.product_id,
    CAST(p.track_id AS BIGINT) AS track_id,
    p.instant_us,
    p.kst_day,
    CAST(p.ms_played AS BIGINT) AS ms_played,
    coalesce(p.device, '') AS device,
    coalesce(p.country, '') AS country,
    p.flagged,
    c.row_no IS NOT NULL AS is_copy
  FROM (
    SELECT
      file, row_no, well_formed, instant_us, kst_day, device, country, flagged,
      CASE WHEN well_formed THEN play_id END AS play_id,
      CASE WHEN well_formed THEN user_id END AS user_id,
      CASE WHEN well_formed THEN subscription_id END AS subscription_id,
      CASE WHEN well_formed THEN product_id END AS product_id,
      CASE WHEN well_formed THEN track_id END AS track_id,
      CASE WHEN well_formed THEN ms_played END AS ms_played
    FROM raw.play
    WHERE dt = :dt
  ) AS p
  LEFT JOIN (
    SELECT file, row_no FROM ods.play_copy WHERE dt = :dt
  ) AS c ON c.file = p.file AND c.row_no = p.row_no
), stepped AS (
  SELECT
    l.*,
    r.max_plays_per_user_track_day AS cap,
    CASE
      WHEN NOT l.well_formed THEN 'malformed'
      WHEN l.kst_day > EPOCH_DAY(:dt) THEN 'future'
      WHEN l.is_copy THEN 'duplicate'
      WHEN l.kst_day < EPOCH_DAY(:dt) - 30 THEN 'too_late'
      WHEN d.product_id IS NULL THEN 'unknown_product'
      WHEN l.flagged THEN 'abuse_flag'
      WHEN l.ms_played < r.min_play_ms THEN 'too_short'
      ELSE 'qualified'
    END AS step
  FROM landed AS l
  LEFT JOIN ods.product AS d ON d.dt = :dt AND d.product_id = l.product_id
  LEFT JOIN ref.service_rule AS r
    ON r.service = d.service AND r.valid_from <= :dt AND (r.valid_to = '' OR :dt <= r.valid_to)
), ranked AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY step, user_id, track_id, kst_day ORDER BY instant_us, play_id) AS place
  FROM stepped
)
SELECT
  CAST(file AS STRING) AS file,
  CAST(row_no AS BIGINT) AS row_no,
  CAST(play_id AS STRING) AS play_id,
  CAST(user_id AS BIGINT) AS user_id,
  CAST(subscription_id AS BIGINT) AS subscription_id,
  CAST(product_id AS STRING) AS product_id,
  CAST(track_id AS BIGINT) AS track_id,
  CAST(instant_us AS BIGINT) AS instant_us,
  CAST(kst_day AS BIGINT) AS kst_day,
  CAST(ms_played AS BIGINT) AS ms_played,
  CAST(device AS STRING) AS device,
  CAST(country AS STRING) AS country,
  CAST(CASE WHEN step = 'qualified' AND cap IS NOT NULL AND place > cap THEN 'over_cap' ELSE step END AS STRING) AS bucket
FROM ranked
