-- Plays of :dt by product, track, device and country (rules §2). Grain: product_id, track_id, device, country.
-- Malformed lines name no product and are left to mart.usage_buckets.
WITH per_user AS (
  SELECT
    product_id, track_id, device, country, user_id, bucket,
    count(*) AS plays,
    sum(ms_played) AS ms_played
  FROM ods.play
  WHERE dt = :dt AND bucket <> 'malformed'
  GROUP BY product_id, track_id, device, country, user_id, bucket
)
SELECT
  CAST(product_id AS STRING) AS product_id,
  CAST(track_id AS BIGINT) AS track_id,
  CAST(device AS STRING) AS device,
  CAST(country AS STRING) AS country,
  CAST(sum(plays) AS BIGINT) AS raw_plays,
  CAST(sum(CASE WHEN bucket = 'qualified' THEN plays ELSE 0 END) AS BIGINT) AS qualified_plays,
  CAST(sum(CASE WHEN bucket = 'future' THEN plays ELSE 0 END) AS BIGINT) AS future_plays,
  CAST(sum(CASE WHEN bucket = 'duplicate' THEN plays ELSE 0 END) AS BIGINT) AS duplicate_plays,
  CAST(sum(CASE WHEN bucket = 'too_late' THEN plays ELSE 0 END) AS BIGINT) AS too_late_plays,
  CAST(sum(CASE WHEN bucket = 'unknown_product' THEN plays ELSE 0 END) AS BIGINT) AS unknown_product_plays,
  CAST(sum(CASE WHEN bucket = 'abuse_flag' THEN plays ELSE 0 END) AS BIGINT) AS abuse_flag_plays,
  CAST(sum(CASE WHEN bucket = 'too_short' THEN plays ELSE 0 END) AS BIGINT) AS too_short_plays,
  CAST(sum(CASE WHEN bucket = 'over_cap' THEN plays ELSE 0 END) AS BIGINT) AS over_cap_plays,
  CAST(sum(CASE WHEN bucket = 'qualified' THEN 1 ELSE 0 END) AS BIGINT) AS listeners,
  CAST(sum(CASE WHEN bucket = 'qualified' THEN ms_played ELSE 0 END) AS BIGINT) AS ms_played
FROM per_user
GROUP BY product_id, track_id, device, country
