-- Weights of the users in the user-centric group (rules §5, §6): each day's plays with that day's shares and method.
-- Grain: product_id, right_type, user_id, track_id, partner_id.
WITH usage AS (
  SELECT EPOCH_DAY(dt) AS day, product_id, user_id, track_id, plays
  FROM mart.usage_user_daily
  WHERE dt BETWEEN :first_day AND :last_day
  UNION ALL
  SELECT g.day, p.product_id, p.user_id, p.track_id, CAST(1 AS BIGINT) AS plays
  FROM ods.play AS p
  INNER JOIN mart.month_user_gap AS g
    ON g.month = :month AND g.version = :version AND g.product_id = p.product_id AND g.day = EPOCH_DAY(p.dt)
  WHERE p.dt BETWEEN :first_day AND :last_day AND p.bucket = 'qualified'
)
SELECT
  CAST(u.product_id AS STRING) AS product_id,
  CAST(g.right_type AS STRING) AS right_type,
  CAST(u.user_id AS BIGINT) AS user_id,
  CAST(u.track_id AS BIGINT) AS track_id,
  CAST(s.partner_id AS BIGINT) AS partner_id,
  CAST(sum(MUL(u.plays, s.share_ppm)) AS DECIMAL(38, 0)) AS weight
FROM usage AS u
INNER JOIN mart.month_group AS g
  ON g.month = :month AND g.version = :version AND g.product_id = u.product_id AND g.uc_weight > 0
INNER JOIN mart.month_share AS s
  ON s.month = :month AND s.version = :version AND s.track_id = u.track_id AND s.right_type = g.right_type
    AND s.from_day <= u.day AND u.day <= s.to_day
INNER JOIN mart.month_method AS m
  ON m.month = :month AND m.version = :version AND m.partner_id = s.partner_id AND m.right_type = s.right_type
    AND m.service = g.service AND m.from_day <= u.day AND u.day <= m.to_day
GROUP BY u.product_id, g.right_type, u.user_id, u.track_id, s.partner_id
