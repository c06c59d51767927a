-- Albums of snapshot :dt, typed. Grain: album_id.
SELECT
  CAST(album_id AS BIGINT) AS album_id,
  CAST(upc AS STRING) AS upc,
  CAST(title AS STRING) AS title,
  CAST(artist AS STRING) AS artist,
  CAST(label AS STRING) AS label
FROM raw.album
WHERE dt = :dt
