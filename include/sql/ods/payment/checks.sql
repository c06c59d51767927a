-- Checks of ods.payment: each SELECT returns the rows that break it.

-- check: rows_kept (fail): every landed row is kept
SELECT landed, kept
FROM (SELECT count(*) AS landed FROM raw.payment WHERE dt = :dt) AS l
CROSS JOIN (SELECT count(*) AS kept FROM ods.payment WHERE dt = :dt) AS k
WHERE landed <> kept;

-- check: charge_known (warn): a refund names a charge that counts
SELECT file, row_no, payment_id, refund_of
FROM ods.payment
WHERE dt = :dt AND bucket = 'counted' AND NOT charge_known;
