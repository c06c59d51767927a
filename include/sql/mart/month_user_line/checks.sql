-- Checks of mart.month_user_line: each SELECT returns the rows that break it.

-- check: payers_spread (fail): the lines hold what payers with weight bring, but for what flooring leaves
SELECT u.product_id, u.right_type, u.pool_uwon, l.amount_uwon, u.pairs
FROM (
  SELECT p.product_id, p.right_type, sum(CASE WHEN w.place = 1 THEN p.pool_uwon ELSE 0 END) AS pool_uwon, count(*) AS pairs
  FROM mart.month_user_pool AS p
  INNER JOIN (
    SELECT
      product_id, right_type, user_id,
      row_number() OVER (PARTITION BY product_id, right_type, user_id ORDER BY track_id, partner_id) AS place
    FROM mart.month_user_weight
    WHERE month = :month AND version = :version
  ) AS w ON w.product_id = p.product_id AND w.right_type = p.right_type AND w.user_id = p.user_id
  WHERE p.month = :month AND p.version = :version
  GROUP BY p.product_id, p.right_type
) AS u
LEFT JOIN (
  SELECT product_id, right_type, sum(amount_uwon) AS amount_uwon
  FROM mart.month_user_line
  WHERE month = :month AND version = :version
  GROUP BY product_id, right_type
) AS l ON l.product_id = u.product_id AND l.right_type = u.right_type
WHERE l.amount_uwon IS NULL OR l.amount_uwon > u.pool_uwon OR l.amount_uwon + u.pairs <= u.pool_uwon;
