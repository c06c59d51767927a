-- Recoupment of advances in :month (rules §7): at most what the partner's net is above 0, oldest (granted_on, advance_id) first.
-- Grain: advance_id, for every advance granted by month end. One that the snapshot lacks keeps what it was the month before.
WITH known AS (
  SELECT
    coalesce(s.advance_id, k.advance_id) AS advance_id,
    coalesce(s.partner_id, k.partner_id) AS partner_id,
    coalesce(s.granted_on, k.granted_on) AS granted_on,
    coalesce(s.amount_krw, k.amount_krw) AS amount_krw,
    coalesce(k.recouped_to_date_krw, 0) AS before_krw
  FROM (
    SELECT advance_id, partner_id, granted_on, amount_krw
    FROM ods.advance
    WHERE dt = :last_day AND granted_on <= :last_day
  ) AS s
  FULL JOIN (
    SELECT advance_id, partner_id, granted_on, amount_krw, recouped_to_date_krw
    FROM mart.advance_recoup
    WHERE month = :previous_month
  ) AS k ON k.advance_id = s.advance_id
), opened AS (
  -- an amount that was lowered below what is already recouped leaves nothing open
  SELECT
    advance_id, partner_id, granted_on, amount_krw, before_krw,
    CASE WHEN amount_krw > before_krw THEN amount_krw - before_krw ELSE 0 END AS open_krw
  FROM known
), ranked AS (
  SELECT
    o.advance_id, o.partner_id, o.granted_on, o.amount_krw, o.before_krw, o.open_krw, b.net_krw,
    sum(o.open_krw) OVER (
      PARTITION BY o.partner_id ORDER BY o.granted_on, o.advance_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) - o.open_krw AS older_krw
  FROM opened AS o
  LEFT JOIN mart.statement_balance AS b ON b.month = :month AND b.version = :version AND b.partner_id = o.partner_id
), recouped AS (
  -- net goes to what is open of the older advances first; none is left where it is 0, negative or missing
  SELECT
    advance_id, partner_id, granted_on, amount_krw, before_krw, open_krw,
    CASE
      WHEN net_krw >= older_krw + open_krw THEN open_krw
      WHEN net_krw > older_krw THEN net_krw - older_krw
      ELSE 0
    END AS recouped_krw
  FROM ranked
)
SELECT
  CAST(advance_id AS STRING) AS advance_id,
  CAST(partner_id AS BIGINT) AS partner_id,
  CAST(granted_on AS STRING) AS granted_on,
  CAST(amount_krw AS BIGINT) AS amount_krw,
  CAST(open_krw AS BIGINT) AS open_before_krw,
  CAST(recouped_krw AS BIGINT) AS recouped_krw,
  CAST(open_krw - recouped_krw AS BIGINT) AS open_after_krw,
  CAST(before_krw + recouped_krw AS BIGINT) AS recouped_to_date_krw
FROM recouped
