-- Weights of the lines of :month, :version: plays × share, each day's plays with that day's shares
-- and method (rules §5).
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
    p.service,
    u.track_id,
    u.day,
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
  CAST(h.product_id AS STRING) AS product_id,
  CAST(h.right_type AS STRING) AS right_type,
  CAST(h.track_id AS BIGINT) AS track_id,
  CAST(h.partner_id AS BIGINT) AS partner_id,
  CAST(sum(h.plays) AS BIGINT) AS plays,
  CAST(sum(MUL(h.plays, h.share_ppm)) AS DECIMAL(38, 0)) AS weight,
  CAST(
    sum(CASE WHEN m.partner_id IS NULL THEN CAST(0 AS DECIMAL(38, 0)) ELSE MUL(h.plays, h.share_ppm) END) AS DECIMAL(38, 0)
  ) AS uc_weight
FROM shared AS h
LEFT JOIN mart.month_method AS m
  ON m.month = :month AND m.version = :version AND m.partner_id = h.partner_id AND m.right_type = h.right_type
    AND m.service = h.service AND m.from_day <= h.day AND h.day <= m.to_day
GROUP BY h.product_id, h.right_type, h.track_id, h.partner_id
