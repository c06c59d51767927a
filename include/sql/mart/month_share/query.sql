-- Shares of each track and right type over the days of :month, with what nobody holds on suspense (rules §1, §5).
-- Grain: track_id, right_type, partner_id, from_day. The shares of a track and right type sum to 1,000,000 on every day.
WITH changes AS (
  SELECT track_id, right_type, from_day AS day, share_ppm AS change_ppm
  FROM mart.month_right
  WHERE month = :month AND version = :version
  UNION ALL
  SELECT track_id, right_type, to_day + 1 AS day, -share_ppm AS change_ppm
  FROM mart.month_right
  WHERE month = :month AND version = :version
  UNION ALL
  SELECT DISTINCT track_id, right_type, EPOCH_DAY(:first_day) AS day, 0 AS change_ppm
  FROM mart.month_right
  WHERE month = :month AND version = :version
), change_days AS (
  SELECT track_id, right_type, day, sum(change_ppm) AS change_ppm
  FROM changes
  GROUP BY track_id, right_type, day
), spans AS (
  SELECT
    track_id,
    right_type,
    day AS from_day,
    coalesce(lead(day) OVER (PARTITION BY track_id, right_type ORDER BY day) - 1, EPOCH_DAY(:last_day)) AS to_day,
    1000000 - sum(change_ppm) OVER (
      PARTITION BY track_id, right_type ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS rest_ppm
  FROM change_days
), shares AS (
  SELECT track_id, right_type, partner_id, share_ppm, from_day, to_day
  FROM mart.month_right
  WHERE month = :month AND version = :version
  UNION ALL
  SELECT track_id, right_type, CAST(0 AS BIGINT) AS partner_id, rest_ppm AS share_ppm, from_day, to_day
  FROM spans
  WHERE rest_ppm > 0 AND from_day <= EPOCH_DAY(:last_day)
)
SELECT
  CAST(track_id AS BIGINT) AS track_id,
  CAST(right_type AS STRING) AS right_type,
  CAST(partner_id AS BIGINT) AS partner_id,
  CAST(share_ppm AS BIGINT) AS share_ppm,
  CAST(from_day AS BIGINT) AS from_day,
  CAST(to_day AS BIGINT) AS to_day
FROM shares
