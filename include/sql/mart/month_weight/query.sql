-- Weights of the lines of :month, :version: plays × share, each day's plays with that day's shares (rules §5).
-- Grain: product_id, right_type, track_id, partner_id. A track and right type without any share is all suspense.
WITH usage AS (
  SELECT EPOCH_DAY(dt) AS day, product_id, track_id, sum(qualified_plays) AS plays
  FROM mart.usage_daily
  WHERE dt BETWEEN :first_day AND :last_day AND qualified_plays > 0
  GROUP BY dt, product_id, track_id
), shared AS (
  SELECT
    u.product_id,
    p.right_type,
    u.track_id,
    coalesce(s.partner_id, CAST(0 AS BIGINT)) AS partner_id,
    u.plays,
    coalesce(s.share_ppm, CAST(1000000 AS BIGINT)) AS share_ppm
  FROM usage AS u
  INNER JOIN mart.pool AS p ON p.month = :month AND p.version = :version AND p.product_id = u.product_id
  LEFT JOIN mart.month_share AS s
    ON s.month = :month AND s.version = :version AND s.track_id = u.track_id AND s.right_type = p.right_type
      AND s.from_day <= u.day AND u.day <= s.to_day
)
SELECT
  CAST(product_id AS STRING) AS product_id,
  CAST(right_type AS STRING) AS right_type,
  CAST(track_id AS BIGINT) AS track_id,
  CAST(partner_id AS BIGINT) AS partner_id,
  CAST(sum(plays) AS BIGINT) AS plays,
  CAST(sum(MUL(plays, share_ppm)) AS DECIMAL(38, 0)) AS weight
FROM shared
GROUP BY product_id, right_type, track_id, partner_id
