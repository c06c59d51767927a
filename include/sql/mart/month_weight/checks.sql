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

-- check: user_centric_refused (fail): a user_centric contract is not settled yet, and never as pro rata
SELECT partner_id, right_type, service, method, valid_from, valid_to
FROM ods.contract
WHERE dt = :last_day AND method = 'user_centric' AND valid_from <= :last_day AND (valid_to = '' OR :first_day <= valid_to);
