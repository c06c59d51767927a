-- Checks of mart.settlement_daily: each SELECT returns the rows that break it.

-- check: pool_is_spread (fail): amounts of the lines = the pool
SELECT p.product_id, p.right_type, p.pool_krw, l.amount_uwon, l.pro_rata_uwon
FROM mart.daily_pool AS p
LEFT JOIN (
  SELECT product_id, right_type, sum(amount_uwon) AS amount_uwon, sum(pro_rata_uwon) AS pro_rata_uwon
  FROM mart.settlement_daily
  WHERE dt = :dt
  GROUP BY product_id, right_type
) AS l ON l.product_id = p.product_id AND l.right_type = p.right_type
WHERE p.dt = :dt AND (
    MUL(p.pool_krw, 1000000) <> coalesce(l.amount_uwon, CAST(0 AS DECIMAL(38, 0)))
    OR MUL(p.pool_krw, 1000000) <> coalesce(l.pro_rata_uwon, CAST(0 AS DECIMAL(38, 0)))
  );

-- check: kind_fits (fail): royalty goes to a partner, everything else to suspense; rounding and no_plays name no track
SELECT product_id, track_id, right_type, partner_id, kind
FROM mart.settlement_daily
WHERE dt = :dt AND NOT (
    (kind = 'royalty' AND partner_id > 0) OR (kind = 'unmatched' AND partner_id = 0)
    OR (kind IN ('rounding', 'no_plays') AND partner_id = 0 AND track_id = 0)
  );

-- check: not_negative (fail): no line is negative
SELECT product_id, track_id, right_type, partner_id, kind, amount_uwon, pro_rata_uwon
FROM mart.settlement_daily
WHERE dt = :dt AND (amount_uwon < 0 OR pro_rata_uwon < 0);
