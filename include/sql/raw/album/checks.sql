-- Checks of raw.album: each SELECT returns the rows that break it.

-- check: album_id_once (fail): an album_id stands once in a snapshot
SELECT file, row_no, album_id
FROM (
  SELECT file, row_no, album_id, count(*) OVER (PARTITION BY CAST(album_id AS BIGINT)) AS times
  FROM raw.album
  WHERE dt = :dt
) AS counted
WHERE times > 1;
