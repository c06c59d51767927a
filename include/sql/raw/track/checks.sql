-- Checks of raw.track: each SELECT returns the rows that break it.

-- check: track_id_once (fail): a track_id stands once in a snapshot
SELECT file, row_no, track_id
FROM (
  SELECT file, row_no, track_id, count(*) OVER (PARTITION BY CAST(track_id AS BIGINT)) AS times
  FROM raw.track
  WHERE dt = :dt
) AS counted
WHERE times > 1;
