-- Checks of mart.month_user_gap: each SELECT returns the rows that break it.

-- check: plays_covered (fail): plays kept by user and plays of the gaps are all qualified plays of a user-centric product
SELECT u.product_id, u.plays, coalesce(k.plays, 0) AS kept, coalesce(g.plays, 0) AS gap
FROM (
  SELECT product_id, sum(qualified_plays) AS plays
  FROM mart.usage_daily
  WHERE dt BETWEEN :first_day AND :last_day
  GROUP BY product_id
) AS u
INNER JOIN (
  SELECT product_id
  FROM mart.month_group
  WHERE month = :month AND version = :version AND uc_weight > 0
  GROUP BY product_id
) AS c ON c.product_id = u.product_id
LEFT JOIN (
  SELECT product_id, sum(plays) AS plays
  FROM mart.usage_user_daily
  WHERE dt BETWEEN :first_day AND :last_day
  GROUP BY product_id
) AS k ON k.product_id = u.product_id
LEFT JOIN (
  SELECT product_id, sum(plays) AS plays
  FROM mart.month_user_gap
  WHERE month = :month AND version = :version
  GROUP BY product_id
) AS g ON g.product_id = u.product_id
WHERE u.plays <> coalesce(k.plays, 0) + coalesce(g.plays, 0);
