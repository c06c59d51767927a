-- Checks of mart.statement_balance: each SELECT returns the rows that break it.

-- check: royalty_kept (fail): royalties, deltas and carries of each partner are all there, and nobody else's
SELECT
  coalesce(b.partner_id, p.partner_id) AS partner_id, b.royalty_krw, p.royalty_krw AS royalties_krw, b.adjustment_krw,
  p.adjustment_krw AS adjustments_krw, b.carried_in_krw, p.carried_in_krw AS carries_krw
FROM (
  SELECT partner_id, royalty_krw, adjustment_krw, carried_in_krw
  FROM mart.statement_balance
  WHERE month = :month AND version = :version
) AS b
FULL JOIN (
  SELECT
    partner_id, sum(royalty_krw) AS royalty_krw, sum(adjustment_krw) AS adjustment_krw, sum(carried_in_krw) AS carried_in_krw
  FROM (
    SELECT partner_id, royalty_krw, 0 AS adjustment_krw, 0 AS carried_in_krw
    FROM mart.statement_royalty
    WHERE month = :month AND version = :version
    UNION ALL
    SELECT partner_id, 0 AS royalty_krw, delta_krw AS adjustment_krw, 0 AS carried_in_krw
    FROM mart.adjustment
    WHERE month = :month AND version = :version
    UNION ALL
    SELECT partner_id, 0 AS royalty_krw, 0 AS adjustment_krw, carried_out_krw AS carried_in_krw
    FROM mart.statement
    WHERE month = :previous_month AND carried_out_krw <> 0
    UNION ALL
    SELECT CAST(0 AS BIGINT) AS partner_id, 0 AS royalty_krw, 0 AS adjustment_krw, 0 AS carried_in_krw
  ) AS parts
  GROUP BY partner_id
) AS p ON p.partner_id = b.partner_id
WHERE b.partner_id IS NULL OR p.partner_id IS NULL OR b.royalty_krw <> p.royalty_krw OR b.adjustment_krw <> p.adjustment_krw
  OR b.carried_in_krw <> p.carried_in_krw;

-- check: net_adds_up (fail): net is royalty and adjustment
SELECT partner_id, royalty_krw, adjustment_krw, net_krw
FROM mart.statement_balance
WHERE month = :month AND version = :version AND net_krw <> royalty_krw + adjustment_krw;
