-- User-centric amounts (rules §6): Σ over payers of floor(pool_u × w_u / W_u). Grain: product_id, right_type, track_id, partner_id.
SELECT
  CAST(w.product_id AS STRING) AS product_id,
  CAST(w.right_type AS STRING) AS right_type,
  CAST(w.track_id AS BIGINT) AS track_id,
  CAST(w.partner_id AS BIGINT) AS partner_id,
  CAST(sum(FLOOR_DIV(MUL(u.pool_uwon, w.weight), u.weight)) AS DECIMAL(38, 0)) AS amount_uwon
FROM mart.month_user_weight AS w
INNER JOIN mart.month_user_pool AS u
  ON u.month = :month AND u.version = :version AND u.product_id = w.product_id AND u.right_type = w.right_type
    AND u.user_id = w.user_id
WHERE w.month = :month AND w.version = :version
GROUP BY w.product_id, w.right_type, w.track_id, w.partner_id
