-- Checks of mart.usage_user_daily: each SELECT returns the rows that break it.

-- check: plays_kept (fail): a product that is kept by user has all its qualified plays
SELECT k.product_id, k.plays AS kept, coalesce(u.plays, 0) AS plays
FROM (
  SELECT product_id, sum(plays) AS plays
  FROM mart.usage_user_daily
  WHERE dt = :dt
  GROUP BY product_id
) AS k
LEFT JOIN (
  SELECT product_id, sum(qualified_plays) AS plays
  FROM mart.usage_daily
  WHERE dt = :dt
  GROUP BY product_id
) AS u ON u.product_id = k.product_id
WHERE k.plays <> coalesce(u.plays, 0);

-- check: products_kept (fail): every product of a service with a user-centric contract is kept by user
SELECT u.product_id, sum(u.qualified_plays) AS plays
FROM mart.usage_daily AS u
INNER JOIN ods.product AS d ON d.dt = :dt AND d.product_id = u.product_id
INNER JOIN (
  SELECT service FROM ods.contract WHERE dt = :dt AND method = 'user_centric' GROUP BY service
) AS c ON c.service = d.service
LEFT JOIN (
  SELECT product_id FROM mart.usage_user_daily WHERE dt = :dt GROUP BY product_id
) AS k ON k.product_id = u.product_id
WHERE u.dt = :dt AND u.qualified_plays > 0 AND k.product_id IS NULL
GROUP BY u.product_id;
