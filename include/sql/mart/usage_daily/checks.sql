-- Checks of mart.usage_daily: each SELECT returns the rows that break it.

-- check: plays_add_up (fail): raw plays = qualified + excluded plays
SELECT product_id, track_id, device, country, raw_plays
FROM mart.usage_daily
WHERE dt = :dt AND raw_plays <> qualified_plays + future_plays + duplicate_plays + too_late_plays + unknown_product_plays
  + abuse_flag_plays + too_short_plays + over_cap_plays;

-- check: buckets_agree (fail): plays of a bucket = lines of that bucket
SELECT counted.bucket, counted.plays, coalesce(b.`rows`, 0) AS bucket_rows
FROM (
  SELECT 'qualified' AS bucket, coalesce(sum(qualified_plays), 0) AS plays FROM mart.usage_daily WHERE dt = :dt
  UNION ALL
  SELECT 'future' AS bucket, coalesce(sum(future_plays), 0) AS plays FROM mart.usage_daily WHERE dt = :dt
  UNION ALL
  SELECT 'duplicate' AS bucket, coalesce(sum(duplicate_plays), 0) AS plays FROM mart.usage_daily WHERE dt = :dt
  UNION ALL
  SELECT 'too_late' AS bucket, coalesce(sum(too_late_plays), 0) AS plays FROM mart.usage_daily WHERE dt = :dt
  UNION ALL
  SELECT 'unknown_product' AS bucket, coalesce(sum(unknown_product_plays), 0) AS plays FROM mart.usage_daily WHERE dt = :dt
  UNION ALL
  SELECT 'abuse_flag' AS bucket, coalesce(sum(abuse_flag_plays), 0) AS plays FROM mart.usage_daily WHERE dt = :dt
  UNION ALL
  SELECT 'too_short' AS bucket, coalesce(sum(too_short_plays), 0) AS plays FROM mart.usage_daily WHERE dt = :dt
  UNION ALL
  SELECT 'over_cap' AS bucket, coalesce(sum(over_cap_plays), 0) AS plays FROM mart.usage_daily WHERE dt = :dt
) AS counted
LEFT JOIN mart.usage_buckets AS b ON b.dt = :dt AND b.bucket = counted.bucket
WHERE counted.plays <> coalesce(b.`rows`, 0);

-- check: listeners_in_range (fail): there are at most as many listeners as qualified plays, and one at least where there are any
SELECT product_id, track_id, device, country, listeners, qualified_plays
FROM mart.usage_daily
WHERE dt = :dt AND (listeners > qualified_plays OR listeners < CASE WHEN qualified_plays > 0 THEN 1 ELSE 0 END);
