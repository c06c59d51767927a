-- Checks of raw.contract: each SELECT returns the rows that break it.

-- check: contracts_overlap (fail): contracts of one partner, right type and service do not overlap
SELECT file, row_no, partner_id, right_type, service, valid_from, valid_to, last_before
FROM (
  SELECT
    file, row_no, partner_id, right_type, service, valid_from, valid_to,
    max(CASE WHEN valid_to = '' THEN '9999-12-31' ELSE valid_to END) OVER (
      PARTITION BY CAST(partner_id AS BIGINT), right_type, service
      ORDER BY valid_from, row_no ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS last_before
  FROM raw.contract
  WHERE dt = :dt
) AS ordered
WHERE valid_from <= last_before;

-- check: partner_known (fail): a partner stands in the snapshot of partners
SELECT x.file, x.row_no, x.partner_id
FROM raw.contract AS x
LEFT JOIN raw.partner AS p ON p.dt = :dt AND CAST(p.partner_id AS BIGINT) = CAST(x.partner_id AS BIGINT)
WHERE x.dt = :dt AND p.partner_id IS NULL;
