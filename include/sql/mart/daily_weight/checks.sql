-- Checks of mart.daily_weight: each SELECT returns the rows that break it.

-- check: weights_add_up (fail): weights of a pool = its qualified plays × 1000000
SELECT p.product_id, p.right_type, p.qualified_plays, w.weight
FROM mart.daily_pool AS p
LEFT JOIN (
  SELECT product_id, right_type, sum(weight) AS weight
  FROM mart.daily_weight
  WHERE dt = :dt
  GROUP BY product_id, right_type
) AS w ON w.product_id = p.product_id AND w.right_type = p.right_type
WHERE p.dt = :dt AND MUL(p.qualified_plays, 1000000) <> coalesce(w.weight, CAST(0 AS DECIMAL(38, 0)));
