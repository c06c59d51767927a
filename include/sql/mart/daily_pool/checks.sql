-- Checks of mart.daily_pool: each SELECT returns the rows that break it.

-- check: winner_is_largest (fail): the pool is the winning leg and no leg is larger
SELECT product_id, right_type, winner, unit_leg_uwon, rev_leg_uwon, pool_uwon
FROM mart.daily_pool
WHERE dt = :dt AND (
    coalesce(
      CASE winner WHEN 'unit_leg' THEN unit_leg_uwon WHEN 'rev_leg' THEN rev_leg_uwon END, CAST(-1 AS DECIMAL(38, 0))
    ) <> pool_uwon
    OR unit_leg_uwon > pool_uwon OR rev_leg_uwon > pool_uwon
  );

-- check: pool_rounded (fail): whole won lie within half a won of the pool
SELECT product_id, right_type, pool_uwon, pool_krw
FROM mart.daily_pool
WHERE dt = :dt
  AND (MUL(pool_krw, 1000000) - pool_uwon > 500000 OR pool_uwon - MUL(pool_krw, 1000000) >= 500000);

-- check: rate_row_known (warn): a product has a rate-card row of the day for each right type, or one that says no_pool
SELECT d.product_id, d.service, d.cohort, k.right_type
FROM ods.product AS d
CROSS JOIN (
  SELECT 'producer' AS right_type
  UNION ALL
  SELECT 'author'
  UNION ALL
  SELECT 'performer'
) AS k
LEFT JOIN ref.rate_card AS c
  ON c.service = d.service AND (c.cohort = 'all' OR c.cohort = d.cohort) AND c.right_type = k.right_type
    AND c.valid_from <= :dt AND (c.valid_to = '' OR :dt <= c.valid_to)
WHERE d.dt = :dt AND d.service <> 'promo' AND c.service IS NULL;
