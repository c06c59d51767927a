-- Checks of raw.partner: each SELECT returns the rows that break it.

-- check: partner_id_once (fail): a partner_id stands once in a snapshot
SELECT file, row_no, partner_id
FROM (
  SELECT file, row_no, partner_id, count(*) OVER (PARTITION BY CAST(partner_id AS BIGINT)) AS times
  FROM raw.partner
  WHERE dt = :dt
) AS counted
WHERE times > 1;
