-- Checks of mart.month_user_pool: each SELECT returns the rows that break it.

-- check: within_group (fail): the payers' parts are at most P_uc, and flooring takes less than one micro-won of each
SELECT g.product_id, g.right_type, g.uc_pool_uwon, u.pool_uwon, u.payers
FROM mart.month_group AS g
INNER JOIN (
  SELECT product_id, right_type, sum(pool_uwon) AS pool_uwon, count(*) AS payers
  FROM mart.month_user_pool
  WHERE month = :month AND version = :version
  GROUP BY product_id, right_type
) AS u ON u.product_id = g.product_id AND u.right_type = g.right_type
WHERE g.month = :month AND g.version = :version
  AND (u.pool_uwon > g.uc_pool_uwon OR u.pool_uwon + u.payers <= g.uc_pool_uwon);

-- check: positive (fail): a payer paid, and takes nothing away
SELECT product_id, right_type, user_id, revenue_uwon, weight, pool_uwon
FROM mart.month_user_pool
WHERE month = :month AND version = :version AND (revenue_uwon <= 0 OR weight < 0 OR pool_uwon < 0);

-- check: revenue_kept (fail): payers of a group have all revenue of the product's users whose net is above 0
SELECT g.product_id, g.right_type, coalesce(r.revenue_uwon, CAST(0 AS DECIMAL(38, 0))) AS paid_uwon, u.revenue_uwon
FROM mart.month_group AS g
LEFT JOIN (
  SELECT product_id, sum(CASE WHEN net_uwon > 0 THEN net_uwon ELSE CAST(0 AS DECIMAL(38, 0)) END) AS revenue_uwon
  FROM (
    SELECT product_id, user_id, sum(recognised_uwon) AS net_uwon
    FROM mart.revenue_subscription_daily
    WHERE dt BETWEEN :first_day AND :last_day
    GROUP BY product_id, user_id
  ) AS n
  GROUP BY product_id
) AS r ON r.product_id = g.product_id
LEFT JOIN (
  SELECT product_id, right_type, sum(revenue_uwon) AS revenue_uwon
  FROM mart.month_user_pool
  WHERE month = :month AND version = :version
  GROUP BY product_id, right_type
) AS u ON u.product_id = g.product_id AND u.right_type = g.right_type
WHERE g.month = :month AND g.version = :version AND g.uc_weight > 0
  AND coalesce(r.revenue_uwon, CAST(0 AS DECIMAL(38, 0))) <> coalesce(u.revenue_uwon, CAST(0 AS DECIMAL(38, 0)));
