-- Checks of mart.statement_royalty: each SELECT returns the rows that break it.

-- check: won_adds_up (fail): whole won of the partners = the pool
SELECT p.product_id, p.right_type, p.pool_krw, s.royalty_krw
FROM mart.pool AS p
LEFT JOIN (
  SELECT product_id, right_type, sum(royalty_krw) AS royalty_krw
  FROM mart.statement_royalty
  WHERE month = :month AND version = :version
  GROUP BY product_id, right_type
) AS s ON s.product_id = p.product_id AND s.right_type = p.right_type
WHERE p.month = :month AND p.version = :version AND p.pool_krw <> coalesce(s.royalty_krw, 0);

-- check: lines_add_up (fail): royalty of a partner = its lines
SELECT
  coalesce(s.partner_id, l.partner_id) AS partner_id, coalesce(s.product_id, l.product_id) AS product_id,
  coalesce(s.right_type, l.right_type) AS right_type, s.royalty_uwon, l.amount_uwon
FROM (
  SELECT partner_id, product_id, right_type, royalty_uwon
  FROM mart.statement_royalty
  WHERE month = :month AND version = :version
) AS s
FULL JOIN (
  SELECT partner_id, product_id, right_type, sum(amount_uwon) AS amount_uwon
  FROM mart.settlement_line
  WHERE month = :month AND version = :version
  GROUP BY partner_id, product_id, right_type
) AS l ON l.partner_id = s.partner_id AND l.product_id = s.product_id AND l.right_type = s.right_type
WHERE s.partner_id IS NULL OR l.partner_id IS NULL OR s.royalty_uwon <> l.amount_uwon;

-- check: won_is_near (fail): whole won lie within a won of the micro-won
SELECT partner_id, product_id, right_type, royalty_uwon, royalty_krw
FROM mart.statement_royalty
WHERE month = :month AND version = :version
  AND (MUL(royalty_krw, 1000000) - royalty_uwon >= 1000000 OR royalty_uwon - MUL(royalty_krw, 1000000) >= 1000000);
