-- Checks of mart.month_share: each SELECT returns the rows that break it.

-- check: shares_are_whole (fail): shares of a track and right type sum to 1000000 ppm on every day
SELECT d.track_id, d.right_type, d.day, sum(s.share_ppm) AS total_ppm
FROM (
  -- sums change only where a share begins or behind its end
  SELECT track_id, right_type, EPOCH_DAY(:first_day) AS day FROM mart.month_share WHERE month = :month AND version = :version
  UNION DISTINCT
  SELECT track_id, right_type, from_day AS day FROM mart.month_share WHERE month = :month AND version = :version
  UNION DISTINCT
  SELECT track_id, right_type, to_day + 1 AS day
  FROM mart.month_share
  WHERE month = :month AND version = :version AND to_day < EPOCH_DAY(:last_day)
) AS d
LEFT JOIN mart.month_share AS s
  ON s.month = :month AND s.version = :version AND s.track_id = d.track_id AND s.right_type = d.right_type
    AND s.from_day <= d.day AND d.day <= s.to_day
GROUP BY d.track_id, d.right_type, d.day
HAVING coalesce(sum(s.share_ppm), 0) <> 1000000;
