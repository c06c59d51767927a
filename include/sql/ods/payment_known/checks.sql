-- Checks of ods.payment_known: each SELECT returns the rows that break it.

-- check: base_sign (fail): a charge is not negative, a refund not positive
SELECT file, row_no, payment_id, kind, bucket, base_uwon
FROM ods.payment_known
WHERE dt = :dt AND (
    (kind = 'charge' AND base_uwon < 0) OR (kind = 'refund' AND base_uwon > 0)
  );

-- check: matters_today (fail): a payment landed on the day or its service range covers it
SELECT landed_on, file, row_no, payment_id
FROM ods.payment_known
WHERE dt = :dt AND landed_on <> :dt AND NOT (landed_on < :dt AND service_start <= :dt AND :dt <= service_end);

-- check: counted_once (fail): a payment_id counts once
SELECT payment_id, count(*) AS times
FROM ods.payment_known
WHERE dt = :dt AND bucket = 'counted'
GROUP BY payment_id
HAVING count(*) > 1;
