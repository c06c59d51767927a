-- Checks of mart.month_user_weight: each SELECT returns the rows that break it.

-- check: weights_add_up (fail): the users' weights of a line = its user-centric weight
SELECT
  coalesce(w.product_id, u.product_id) AS product_id, coalesce(w.right_type, u.right_type) AS right_type,
  coalesce(w.track_id, u.track_id) AS track_id, coalesce(w.partner_id, u.partner_id) AS partner_id,
  w.uc_weight, u.weight
FROM (
  SELECT product_id, right_type, track_id, partner_id, uc_weight
  FROM mart.month_weight
  WHERE month = :month AND version = :version AND uc_weight > 0
) AS w
FULL JOIN (
  SELECT product_id, right_type, track_id, partner_id, sum(weight) AS weight
  FROM mart.month_user_weight
  WHERE month = :month AND version = :version
  GROUP BY product_id, right_type, track_id, partner_id
) AS u
  ON u.product_id = w.product_id AND u.right_type = w.right_type AND u.track_id = w.track_id AND u.partner_id = w.partner_id
WHERE w.uc_weight IS NULL OR u.weight IS NULL OR w.uc_weight <> u.weight;
