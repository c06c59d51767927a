-- Weights of the provisional lines of :dt (rules §9): the day's plays with the day's shares of snapshot :dt.
-- Grain: product_id, right_type, track_id, partner_id. What nobody holds stands on suspense.
WITH usage AS (
  SELECT product_id, track_id, sum(qualified_plays) AS plays
  FROM mart.usage_daily
  WHERE dt = :dt AND qualified_plays > 0
  GROUP BY product_id, track_id
), held AS (
  SELECT
    r.track_id, r.right_type, r.partner_id, r.share_ppm,
    sum(r.share_ppm) OVER (PARTITION BY r.track_id, r.right_type) AS held_ppm,
    row_number() OVER (PARTITION BY r.track_id, r.right_type ORDER BY r.partner_id) AS place
  FROM ods.rights AS r
  INNER JOIN ods.track AS t ON t.dt = :dt AND t.track_id = r.track_id
  INNER JOIN (
    SELECT track_id FROM mart.usage_daily WHERE dt = :dt AND qualified_plays > 0 GROUP BY track_id
  ) AS p ON p.track_id = r.track_id
  WHERE r.dt = :dt AND r.share_ppm > 0 AND r.valid_from <= :dt AND (r.valid_to = '' OR :dt <= r.valid_to)
), shares AS (
  -- each share once for itself, and the first of a track and right type once more for what nobody holds
  SELECT
    h.track_id,
    h.right_type,
    CASE WHEN k.is_rest = 0 THEN h.partner_id ELSE CAST(0 AS BIGINT) END AS partner_id,
    CASE WHEN k.is_rest = 0 THEN h.share_ppm ELSE 1000000 - h.held_ppm END AS share_ppm
  FROM held AS h
  CROSS JOIN (
    SELECT 0 AS is_rest
    UNION ALL
    SELECT 1 AS is_rest
  ) AS k
  WHERE k.is_rest = 0 OR (h.place = 1 AND h.held_ppm < 1000000)
)
SELECT
  CAST(u.product_id AS STRING) AS product_id,
  CAST(p.right_type AS STRING) AS right_type,
  CAST(u.track_id AS BIGINT) AS track_id,
  CAST(coalesce(s.partner_id, CAST(0 AS BIGINT)) AS BIGINT) AS partner_id,
  CAST(u.plays AS BIGINT) AS plays,
  CAST(MUL(u.plays, coalesce(s.share_ppm, 1000000)) AS DECIMAL(38, 0)) AS weight
FROM usage AS u
INNER JOIN mart.daily_pool AS p ON p.dt = :dt AND p.product_id = u.product_id
LEFT JOIN shares AS s ON s.track_id = u.track_id AND s.right_type = p.right_type
