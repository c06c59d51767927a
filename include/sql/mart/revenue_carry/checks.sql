-- Checks of mart.revenue_carry: each SELECT returns the rows that break it.

-- check: carry_follows (fail): what goes on is the negative rest of the revenue with the carry in it
SELECT product_id, recognised_uwon, carry_in_uwon, revenue_uwon, carry_out_uwon
FROM mart.revenue_carry
WHERE month = :month AND version = :version AND (
    revenue_uwon <> recognised_uwon + carry_in_uwon
    OR carry_out_uwon <> CASE WHEN revenue_uwon < 0 THEN revenue_uwon ELSE CAST(0 AS DECIMAL(38, 0)) END
    OR carry_in_uwon > 0
  );

-- check: revenue_kept (fail): recognised revenue of a product = that of its days
SELECT d.product_id, d.uwon, c.recognised_uwon
FROM (
  SELECT product_id, sum(recognised_uwon) AS uwon
  FROM mart.revenue_daily
  WHERE dt BETWEEN :first_day AND :last_day
  GROUP BY product_id
) AS d
LEFT JOIN mart.revenue_carry AS c ON c.month = :month AND c.version = :version AND c.product_id = d.product_id
WHERE c.product_id IS NULL OR c.recognised_uwon <> d.uwon;
