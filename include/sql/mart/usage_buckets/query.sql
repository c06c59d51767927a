-- Landed lines of :dt by bucket (rules §2). Grain: bucket.
SELECT
  CAST(bucket AS STRING) AS bucket,
  CAST(count(*) AS BIGINT) AS `rows`
FROM ods.play
WHERE dt = :dt
GROUP BY bucket
