-- Checks of mart.advance_recoup: each SELECT returns the rows that break it.

-- check: recouped_in_bounds (fail): an advance is recouped by at most what is open, and the rest stays open
SELECT advance_id, partner_id, amount_krw, open_before_krw, recouped_krw, open_after_krw, recouped_to_date_krw
FROM mart.advance_recoup
WHERE month = :month AND version = :version AND NOT (
    recouped_krw BETWEEN 0 AND open_before_krw AND open_after_krw = open_before_krw - recouped_krw
    AND recouped_to_date_krw >= recouped_krw
    AND (amount_krw = open_after_krw + recouped_to_date_krw OR (open_before_krw = 0 AND amount_krw < recouped_to_date_krw))
  );

-- check: all_recouped (fail): a partner's advances recoup the smaller of what is open and its net
SELECT a.partner_id, a.open_krw, a.recouped_krw, b.net_krw
FROM (
  SELECT partner_id, sum(open_before_krw) AS open_krw, sum(recouped_krw) AS recouped_krw
  FROM mart.advance_recoup
  WHERE month = :month AND version = :version
  GROUP BY partner_id
) AS a
LEFT JOIN mart.statement_balance AS b ON b.month = :month AND b.version = :version AND b.partner_id = a.partner_id
WHERE a.recouped_krw <> CASE
    WHEN coalesce(b.net_krw, 0) <= 0 THEN 0
    WHEN b.net_krw < a.open_krw THEN b.net_krw
    ELSE a.open_krw
  END;

-- check: oldest_first (fail): nothing is recouped of an advance while an older one of its partner stays open
SELECT a.advance_id, a.partner_id, a.granted_on, a.recouped_krw, o.advance_id AS older_id, o.open_after_krw AS older_open_krw
FROM mart.advance_recoup AS a
INNER JOIN mart.advance_recoup AS o
  ON o.month = :month AND o.version = :version AND o.partner_id = a.partner_id
    AND (o.granted_on < a.granted_on OR (o.granted_on = a.granted_on AND o.advance_id < a.advance_id))
WHERE a.month = :month AND a.version = :version AND a.recouped_krw > 0 AND o.open_after_krw > 0;

-- check: advances_kept (fail): an advance that the month before didn't have has a row once it is granted
SELECT s.advance_id, s.partner_id, s.granted_on, s.amount_krw
FROM ods.advance AS s
LEFT JOIN mart.advance_recoup AS a ON a.month = :month AND a.version = :version AND a.advance_id = s.advance_id
LEFT JOIN mart.advance_recoup AS b ON b.month = :previous_month AND b.advance_id = s.advance_id
WHERE s.dt = :last_day AND s.granted_on <= :last_day AND a.advance_id IS NULL AND b.advance_id IS NULL;

-- check: goes_on (fail): an advance of the month before has a row, and each begins with what had been recouped, a new one with 0
SELECT
  coalesce(a.advance_id, b.advance_id) AS advance_id, coalesce(a.partner_id, b.partner_id) AS partner_id,
  b.recouped_to_date_krw AS before_krw, a.recouped_krw, a.recouped_to_date_krw
FROM (
  SELECT advance_id, partner_id, recouped_krw, recouped_to_date_krw
  FROM mart.advance_recoup
  WHERE month = :month AND version = :version
) AS a
FULL JOIN (
  SELECT advance_id, partner_id, recouped_to_date_krw
  FROM mart.advance_recoup
  WHERE month = :previous_month
) AS b ON b.advance_id = a.advance_id
WHERE a.advance_id IS NULL OR a.recouped_to_date_krw - a.recouped_krw <> coalesce(b.recouped_to_date_krw, 0);

-- check: advance_unchanged (warn): an advance of the month before is still in the catalogue, with its amount, partner and day
SELECT
  b.advance_id, b.partner_id, b.granted_on, b.amount_krw, s.partner_id AS new_partner_id, s.granted_on AS new_granted_on,
  s.amount_krw AS new_amount_krw
FROM mart.advance_recoup AS b
LEFT JOIN ods.advance AS s ON s.dt = :last_day AND s.advance_id = b.advance_id
WHERE b.month = :previous_month
  AND (
    s.advance_id IS NULL OR s.partner_id <> b.partner_id OR s.granted_on <> b.granted_on OR s.amount_krw <> b.amount_krw
  );
