-- Statements of :month (rules §7). Grain: partner_id, for partners with lines, adjustments or carry-in, and for suspense.
WITH recouped AS (
  SELECT partner_id, sum(recouped_krw) AS recouped_krw
  FROM mart.advance_recoup
  WHERE month = :month AND version = :version
  GROUP BY partner_id
), named AS (
  SELECT
    b.partner_id, b.royalty_krw, b.adjustment_krw, b.net_krw, b.carried_in_krw,
    coalesce(p.tax_kind, '') AS tax_kind,
    coalesce(p.payout_threshold_krw, 0) AS payout_threshold_krw,
    coalesce(p.active_to, '') = '' OR :last_day <= p.active_to AS is_active,
    CASE WHEN b.partner_id = 0 THEN 0 ELSE coalesce(r.recouped_krw, 0) END AS recouped_krw
  FROM mart.statement_balance AS b
  LEFT JOIN recouped AS r ON r.partner_id = b.partner_id
  LEFT JOIN ods.partner AS p ON p.dt = :last_day AND p.partner_id = b.partner_id
  WHERE b.month = :month AND b.version = :version
), summed AS (
  SELECT *, net_krw - recouped_krw + carried_in_krw AS due_krw
  FROM named
), payable AS (
  -- suspense is never paid; a partner that has ended is paid whatever is due
  SELECT
    *,
    CASE
      WHEN partner_id = 0 OR due_krw <= 0 THEN 0
      WHEN is_active AND due_krw < payout_threshold_krw THEN 0
      ELSE due_krw
    END AS payable_krw
  FROM summed
), taxed AS (
  SELECT
    *,
    CASE WHEN tax_kind = 'vat_invoice' THEN FLOOR_DIV(MUL(payable_krw, 10), 100) ELSE CAST(0 AS DECIMAL(38, 0)) END AS vat_krw,
    CASE
      WHEN tax_kind = 'withholding' THEN FLOOR_DIV(MUL(payable_krw, 33), 1000)
      ELSE CAST(0 AS DECIMAL(38, 0))
    END AS withheld_krw
  FROM payable
)
SELECT
  CAST(partner_id AS BIGINT) AS partner_id,
  CAST(tax_kind AS STRING) AS tax_kind,
  CAST(payout_threshold_krw AS BIGINT) AS payout_threshold_krw,
  CAST(is_active AS BOOLEAN) AS is_active,
  CAST(royalty_krw AS BIGINT) AS royalty_krw,
  CAST(adjustment_krw AS BIGINT) AS adjustment_krw,
  CAST(net_krw AS BIGINT) AS net_krw,
  CAST(recouped_krw AS BIGINT) AS recouped_krw,
  CAST(carried_in_krw AS BIGINT) AS carried_in_krw,
  CAST(due_krw AS BIGINT) AS due_krw,
  CAST(payable_krw AS BIGINT) AS payable_krw,
  CAST(due_krw - payable_krw AS BIGINT) AS carried_out_krw,
  CAST(vat_krw AS BIGINT) AS vat_krw,
  CAST(withheld_krw AS BIGINT) AS withheld_krw,
  CAST(payable_krw + vat_krw - withheld_krw AS BIGINT) AS paid_krw
FROM taxed
