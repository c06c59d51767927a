-- Checks of mart.month_weight: each SELECT returns the rows that break it.

-- check: weights_add_up (fail): weights of a pool = its qualified plays × 1000000
SELECT p.product_id, p.right_type, p.qualified_plays, w.weight
FROM mart.pool AS p
LEFT JOIN (
  SELECT product_id, right_type, sum(weight) AS weight
  FROM mart.month_weight
  WHERE month = :month AND version = :version
  GROUP BY product_id, right_type
) AS w ON w.product_id = p.product_id AND w.right_type = p.right_type
WHERE p.month = :month AND p.version = :version
  AND MUL(p.qualified_plays, 1000000) <> coalesce(w.weight, CAST(0 AS DECIMAL(38, 0)));

-- check: method_fits (fail): the user-centric part lies within the weight, and suspense has none
SELECT product_id, right_type, track_id, partner_id, weight, uc_weight
FROM mart.month_weight
WHERE month = :month AND version = :version
  AND (uc_weight < 0 OR uc_weight > weight OR (partner_id = 0 AND uc_weight <> 0));
