-- Checks of mart.pool: each SELECT returns the rows that break it.

-- check: rate_row_known (fail): a product with a pool has a rate-card row for each right type, or one that says no_pool
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
    AND c.valid_from <= :first_day AND (c.valid_to = '' OR :first_day <= c.valid_to)
WHERE d.dt = :last_day AND d.service <> 'promo' AND c.service IS NULL;

-- check: product_known (fail): a product with qualified plays or recognised revenue stands in the month-end snapshot
SELECT m.product_id, sum(m.plays) AS qualified_plays, sum(m.uwon) AS recognised_uwon
FROM (
  SELECT product_id, qualified_plays AS plays, CAST(0 AS DECIMAL(38, 0)) AS uwon
  FROM mart.usage_daily
  WHERE dt BETWEEN :first_day AND :last_day AND qualified_plays > 0
  UNION ALL
  SELECT product_id, 0 AS plays, recognised_uwon AS uwon
  FROM mart.revenue_daily
  WHERE dt BETWEEN :first_day AND :last_day AND recognised_uwon <> 0
) AS m
LEFT JOIN ods.product AS d ON d.dt = :last_day AND d.product_id = m.product_id
WHERE d.product_id IS NULL
GROUP BY m.product_id;

-- check: winner_is_largest (fail): the pool is the winning leg and no leg is larger
SELECT product_id, right_type, winner, unit_leg_uwon, sub_leg_uwon, rev_leg_uwon, pool_uwon
FROM mart.pool
WHERE month = :month AND version = :version AND (
    coalesce(
      CASE winner WHEN 'unit_leg' THEN unit_leg_uwon WHEN 'sub_leg' THEN sub_leg_uwon WHEN 'rev_leg' THEN rev_leg_uwon END,
      CAST(-1 AS DECIMAL(38, 0))
    ) <> pool_uwon
    OR unit_leg_uwon > pool_uwon OR sub_leg_uwon > pool_uwon OR rev_leg_uwon > pool_uwon
  );

-- check: pool_rounded (fail): whole won lie within half a won of the pool
SELECT product_id, right_type, pool_uwon, pool_krw
FROM mart.pool
WHERE month = :month AND version = :version
  AND (MUL(pool_krw, 1000000) - pool_uwon > 500000 OR pool_uwon - MUL(pool_krw, 1000000) >= 500000);

-- check: plays_add_up (fail): N = qualified plays of the days
SELECT p.product_id, p.right_type, p.qualified_plays, u.plays
FROM mart.pool AS p
LEFT JOIN (
  SELECT product_id, sum(qualified_plays) AS plays
  FROM mart.usage_daily
  WHERE dt BETWEEN :first_day AND :last_day
  GROUP BY product_id
) AS u ON u.product_id = p.product_id
WHERE p.month = :month AND p.version = :version AND p.qualified_plays <> coalesce(u.plays, 0);

-- check: revenue_adds_up (fail): R without the carry = recognised revenue of the days
SELECT p.product_id, p.right_type, p.revenue_uwon, p.carry_uwon, r.uwon
FROM mart.pool AS p
LEFT JOIN (
  SELECT product_id, sum(recognised_uwon) AS uwon
  FROM mart.revenue_daily
  WHERE dt BETWEEN :first_day AND :last_day
  GROUP BY product_id
) AS r ON r.product_id = p.product_id
WHERE p.month = :month AND p.version = :version
  AND p.revenue_uwon - p.carry_uwon <> coalesce(r.uwon, CAST(0 AS DECIMAL(38, 0)));

-- check: pool_kept (fail): a product of the month-end snapshot and its rate-card row have a pool
SELECT d.product_id, c.right_type
FROM ods.product AS d
INNER JOIN ref.rate_card AS c
  ON c.service = d.service AND (c.cohort = 'all' OR c.cohort = d.cohort)
    AND c.valid_from <= :first_day AND (c.valid_to = '' OR :first_day <= c.valid_to)
LEFT JOIN mart.pool AS p
  ON p.month = :month AND p.version = :version AND p.product_id = d.product_id AND p.right_type = c.right_type
WHERE d.dt = :last_day AND d.service <> 'promo' AND NOT c.no_pool AND p.product_id IS NULL;
