-- Checks of raw.advance: each SELECT returns the rows that break it.

-- check: advance_id_once (fail): an advance_id stands once in a snapshot
SELECT file, row_no, advance_id
FROM (
  SELECT file, row_no, advance_id, count(*) OVER (PARTITION BY advance_id) AS times
  FROM raw.advance
  WHERE dt = :dt
) AS counted
WHERE times > 1;

-- check: partner_known (fail): a partner stands in the snapshot of partners
SELECT x.file, x.row_no, x.partner_id
FROM raw.advance AS x
LEFT JOIN raw.partner AS p ON p.dt = :dt AND CAST(p.partner_id AS BIGINT) = CAST(x.partner_id AS BIGINT)
WHERE x.dt = :dt AND p.partner_id IS NULL;
