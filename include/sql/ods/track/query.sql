-- Tracks of snapshot :dt, typed. Grain: track_id.
SELECT
  CAST(track_id AS BIGINT) AS track_id,
  CAST(isrc AS STRING) AS isrc,
  CAST(iswc AS STRING) AS iswc,
  CAST(uci AS STRING) AS uci,
  CAST(title AS STRING) AS title,
  CAST(artist AS STRING) AS artist,
  CAST(album_id AS BIGINT) AS album_id,
  CAST(duration_ms AS BIGINT) AS duration_ms,
  CAST(release_date AS STRING) AS release_date
FROM raw.track
WHERE dt = :dt
