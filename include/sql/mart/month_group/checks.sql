-- Checks of mart.month_group: each SELECT returns the rows that break it.

-- check: groups_are_whole (fail): both groups together are the pool, in amount and in proportion
SELECT product_id, right_type, pool_uwon, weight, uc_weight, uc_pool_uwon, pr_pool_uwon
FROM mart.month_group
WHERE month = :month AND version = :version AND NOT (
    uc_pool_uwon + pr_pool_uwon = pool_uwon AND uc_weight BETWEEN 0 AND weight
    AND MUL(uc_pool_uwon, weight) <= MUL(pool_uwon, uc_weight)
    AND MUL(pool_uwon, uc_weight) < MUL(uc_pool_uwon + 1, weight)
  );

-- check: pools_divided (fail): every pool with plays is divided
SELECT p.product_id, p.right_type, p.qualified_plays, p.pool_krw, g.pool_uwon
FROM mart.pool AS p
LEFT JOIN mart.month_group AS g
  ON g.month = :month AND g.version = :version AND g.product_id = p.product_id AND g.right_type = p.right_type
WHERE p.month = :month AND p.version = :version AND p.qualified_plays > 0
  AND (g.pool_uwon IS NULL OR g.pool_uwon <> MUL(p.pool_krw, 1000000));
