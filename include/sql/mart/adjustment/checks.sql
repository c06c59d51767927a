-- Checks of mart.adjustment: each SELECT returns the rows that break it.

-- check: deltas_add_up (fail): a delta of a restatement is its royalty less the one before, by partner, product and right type
SELECT
  coalesce(e.settled_month, a.settled_month) AS settled_month, coalesce(e.version_to, a.version_to) AS version_to,
  coalesce(e.partner_id, a.partner_id) AS partner_id, coalesce(e.product_id, a.product_id) AS product_id,
  coalesce(e.right_type, a.right_type) AS right_type, e.delta_krw AS expected_krw, a.delta_krw
FROM (
  SELECT
    p.settled_month, p.version_to, r.partner_id, r.product_id, r.right_type,
    sum(CASE WHEN r.version = p.version_to THEN r.royalty_krw ELSE -r.royalty_krw END) AS delta_krw
  FROM mart.posting AS p
  INNER JOIN mart.statement_royalty AS r
    ON r.month = p.settled_month AND (r.version = p.version_to OR r.version = p.version_from)
  WHERE p.month = :month AND p.version = :version
  GROUP BY p.settled_month, p.version_to, r.partner_id, r.product_id, r.right_type
) AS e
FULL JOIN (
  -- a delta of no posting is posted_here's
  SELECT d.settled_month, d.version_to, d.partner_id, d.product_id, d.right_type, sum(d.delta_krw) AS delta_krw
  FROM mart.adjustment AS d
  INNER JOIN mart.posting AS p
    ON p.month = :month AND p.version = :version AND p.settled_month = d.settled_month AND p.version_to = d.version_to
  WHERE d.month = :month AND d.version = :version
  GROUP BY d.settled_month, d.version_to, d.partner_id, d.product_id, d.right_type
) AS a
  ON a.settled_month = e.settled_month AND a.version_to = e.version_to AND a.partner_id = e.partner_id
    AND a.product_id = e.product_id AND a.right_type = e.right_type
WHERE coalesce(e.delta_krw, 0) <> coalesce(a.delta_krw, 0);

-- check: posted_here (fail): a delta is not 0, is posted into this month and belongs to a posting
SELECT a.posted_month, a.settled_month, a.version_from, a.version_to, a.partner_id, a.product_id, a.right_type, a.delta_krw
FROM mart.adjustment AS a
LEFT JOIN mart.posting AS p
  ON p.month = :month AND p.version = :version AND p.settled_month = a.settled_month AND p.version_to = a.version_to
    AND p.version_from = a.version_from
WHERE a.month = :month AND a.version = :version
  AND (a.delta_krw = 0 OR a.posted_month <> :month OR p.version_to IS NULL);
