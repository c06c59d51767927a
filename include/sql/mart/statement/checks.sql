-- Checks of mart.statement: each SELECT returns the rows that break it.

-- check: partner_known (fail): a partner with a statement stands in the month-end snapshot
SELECT s.partner_id, s.net_krw, s.carried_in_krw
FROM mart.statement AS s
LEFT JOIN ods.partner AS p ON p.dt = :last_day AND p.partner_id = s.partner_id
WHERE s.month = :month AND s.version = :version AND s.partner_id <> 0 AND p.partner_id IS NULL;

-- check: facts_fit (fail): tax kind, threshold and activity are those of the partner at month end, and suspense has none
SELECT
  s.partner_id, s.tax_kind, p.tax_kind AS partner_tax_kind, s.payout_threshold_krw,
  p.payout_threshold_krw AS partner_threshold_krw, s.is_active, p.active_to
FROM mart.statement AS s
LEFT JOIN ods.partner AS p ON p.dt = :last_day AND p.partner_id = s.partner_id
WHERE s.month = :month AND s.version = :version
  AND (
    (s.partner_id = 0 AND NOT (s.tax_kind = '' AND s.payout_threshold_krw = 0 AND s.is_active))
    -- null for a partner that the snapshot lacks, whom partner_known finds
    OR NOT (
      s.tax_kind = p.tax_kind AND s.payout_threshold_krw = p.payout_threshold_krw
      AND s.is_active = (p.active_to = '' OR p.active_to >= :last_day)
    )
  );

-- check: balance_kept (fail): each partner's royalty, adjustment and carry are those that its month begins with
SELECT
  coalesce(s.partner_id, b.partner_id) AS partner_id, s.royalty_krw, b.royalty_krw AS balance_royalty_krw, s.adjustment_krw,
  b.adjustment_krw AS balance_adjustment_krw, s.carried_in_krw, b.carried_in_krw AS balance_carried_in_krw
FROM (
  SELECT partner_id, royalty_krw, adjustment_krw, carried_in_krw
  FROM mart.statement
  WHERE month = :month AND version = :version
) AS s
FULL JOIN (
  SELECT partner_id, royalty_krw, adjustment_krw, carried_in_krw
  FROM mart.statement_balance
  WHERE month = :month AND version = :version
) AS b ON b.partner_id = s.partner_id
WHERE s.partner_id IS NULL OR b.partner_id IS NULL OR s.royalty_krw <> b.royalty_krw OR s.adjustment_krw <> b.adjustment_krw
  OR s.carried_in_krw <> b.carried_in_krw;

-- check: identity (fail): carried_in + royalty + adjustment − recouped = payable + carried_out, and paid follows from it
SELECT
  partner_id, carried_in_krw, royalty_krw, adjustment_krw, recouped_krw, payable_krw, carried_out_krw, vat_krw, withheld_krw,
  paid_krw
FROM mart.statement
WHERE month = :month AND version = :version AND NOT (
    carried_in_krw + royalty_krw + adjustment_krw - recouped_krw = payable_krw + carried_out_krw
    AND net_krw = royalty_krw + adjustment_krw AND due_krw = net_krw - recouped_krw + carried_in_krw
    AND paid_krw = payable_krw + vat_krw - withheld_krw AND payable_krw >= 0
  );

-- check: payout_fits (fail): suspense is never paid, what is due is paid as a whole or carried, by the partner's threshold
SELECT partner_id, due_krw, payout_threshold_krw, is_active, payable_krw, carried_out_krw, recouped_krw
FROM mart.statement
WHERE month = :month AND version = :version AND NOT (
    (partner_id = 0 AND payable_krw = 0 AND recouped_krw = 0)
    OR (partner_id <> 0 AND due_krw <= 0 AND payable_krw = 0)
    OR (partner_id <> 0 AND due_krw > 0 AND is_active AND due_krw < payout_threshold_krw AND payable_krw = 0)
    OR (partner_id <> 0 AND due_krw > 0 AND (NOT is_active OR due_krw >= payout_threshold_krw) AND payable_krw = due_krw)
  );

-- check: tax_fits (fail): VAT is a tenth and withholding 3.3 % of what is payable, floored, as the partner's tax kind says
SELECT partner_id, tax_kind, payable_krw, vat_krw, withheld_krw
FROM mart.statement
WHERE month = :month AND version = :version AND NOT (
    (tax_kind = 'vat_invoice' AND withheld_krw = 0 AND MUL(payable_krw, 10) - MUL(vat_krw, 100) BETWEEN 0 AND 99)
    OR (tax_kind = 'withholding' AND vat_krw = 0 AND MUL(payable_krw, 33) - MUL(withheld_krw, 1000) BETWEEN 0 AND 999)
    OR (tax_kind IN ('exempt', '') AND vat_krw = 0 AND withheld_krw = 0)
  );

-- check: pools_paid (fail): royalties of all statements = the pools of the month
SELECT s.krw AS royalties_krw, p.krw AS pools_krw
FROM (SELECT coalesce(sum(royalty_krw), 0) AS krw FROM mart.statement WHERE month = :month AND version = :version) AS s
CROSS JOIN (SELECT coalesce(sum(pool_krw), 0) AS krw FROM mart.pool WHERE month = :month AND version = :version) AS p
WHERE s.krw <> p.krw;

-- check: recouped_kept (fail): what each partner's statement takes off is what its advances recoup
SELECT partner_id, sum(statement_krw) AS statement_krw, sum(advances_krw) AS advances_krw
FROM (
  SELECT partner_id, recouped_krw AS statement_krw, 0 AS advances_krw
  FROM mart.statement
  WHERE month = :month AND version = :version
  UNION ALL
  SELECT partner_id, 0 AS statement_krw, recouped_krw AS advances_krw
  FROM mart.advance_recoup
  WHERE month = :month AND version = :version
) AS parts
GROUP BY partner_id
HAVING sum(statement_krw) <> sum(advances_krw);
