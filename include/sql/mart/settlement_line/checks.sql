-- Checks of mart.settlement_line: each SELECT returns the rows that break it.

-- check: pool_is_spread (fail): amounts and shadow of the lines = the pool
SELECT p.product_id, p.right_type, p.pool_krw, l.amount_uwon, l.pro_rata_uwon
FROM mart.pool AS p
LEFT JOIN (
  SELECT product_id, right_type, sum(amount_uwon) AS amount_uwon, sum(pro_rata_uwon) AS pro_rata_uwon
  FROM mart.settlement_line
  WHERE month = :month AND version = :version
  GROUP BY product_id, right_type
) AS l ON l.product_id = p.product_id AND l.right_type = p.right_type
WHERE p.month = :month AND p.version = :version AND (
    MUL(p.pool_krw, 1000000) <> coalesce(l.amount_uwon, CAST(0 AS DECIMAL(38, 0)))
    OR MUL(p.pool_krw, 1000000) <> coalesce(l.pro_rata_uwon, CAST(0 AS DECIMAL(38, 0)))
  );

-- check: kind_fits (fail): royalty goes to a partner, everything else to suspense; rounding and no_plays name no track
SELECT product_id, track_id, right_type, partner_id, kind
FROM mart.settlement_line
WHERE month = :month AND version = :version AND NOT (
    (kind = 'royalty' AND partner_id > 0) OR (kind = 'unmatched' AND partner_id = 0)
    OR (kind IN ('rounding', 'no_plays') AND partner_id = 0 AND track_id = 0)
  );

-- check: not_negative (fail): no line is negative
SELECT product_id, track_id, right_type, partner_id, kind, amount_uwon, pro_rata_uwon
FROM mart.settlement_line
WHERE month = :month AND version = :version AND (amount_uwon < 0 OR pro_rata_uwon < 0);

-- check: rounding_small (fail): what is left of a pool is less than what its divisions floor away
SELECT r.product_id, r.right_type, r.amount_uwon, r.pro_rata_uwon, l.lines, p.payers, u.pairs
FROM mart.settlement_line AS r
LEFT JOIN (
  SELECT product_id, right_type, count(*) AS lines
  FROM mart.settlement_line
  WHERE month = :month AND version = :version AND kind IN ('royalty', 'unmatched')
  GROUP BY product_id, right_type
) AS l ON l.product_id = r.product_id AND l.right_type = r.right_type
LEFT JOIN (
  SELECT product_id, right_type, count(*) AS payers
  FROM mart.month_user_pool
  WHERE month = :month AND version = :version
  GROUP BY product_id, right_type
) AS p ON p.product_id = r.product_id AND p.right_type = r.right_type
LEFT JOIN (
  SELECT product_id, right_type, count(*) AS pairs
  FROM mart.month_user_weight
  WHERE month = :month AND version = :version
  GROUP BY product_id, right_type
) AS u ON u.product_id = r.product_id AND u.right_type = r.right_type
WHERE r.month = :month AND r.version = :version AND r.kind = 'rounding' AND (
    r.amount_uwon >= 2 * coalesce(l.lines, 0) + coalesce(p.payers, 0) + coalesce(u.pairs, 0)
    OR r.pro_rata_uwon >= coalesce(l.lines, 0)
  );
