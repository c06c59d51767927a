-- Qualified plays of :dt by product, user and track (rules §5), for services of which the day's snapshot knows a user-centric
-- contract: nobody else's weights need the user. Grain: product_id, user_id, track_id.
SELECT
  CAST(p.product_id AS STRING) AS product_id,
  CAST(p.user_id AS BIGINT) AS user_id,
  CAST(p.track_id AS BIGINT) AS track_id,
  CAST(count(*) AS BIGINT) AS plays
FROM ods.play AS p
INNER JOIN ods.product AS d ON d.dt = :dt AND d.product_id = p.product_id
INNER JOIN (
  SELECT service
  FROM ods.contract
  WHERE dt = :dt AND method = 'user_centric'
  GROUP BY service
) AS c ON c.service = d.service
WHERE p.dt = :dt AND p.bucket = 'qualified'
GROUP BY p.product_id, p.user_id, p.track_id
