-- Checks of ods.other_revenue: each SELECT returns the rows that break it.

-- check: rows_kept (fail): every landed row is kept
SELECT landed, kept
FROM (SELECT count(*) AS landed FROM raw.other_revenue WHERE dt = :dt) AS l
CROSS JOIN (SELECT count(*) AS kept FROM ods.other_revenue WHERE dt = :dt) AS k
WHERE landed <> kept;

-- check: counted_once (fail): a revenue_id counts once
SELECT revenue_id, count(*) AS times
FROM ods.other_revenue
WHERE dt = :dt AND bucket = 'counted'
GROUP BY revenue_id
HAVING count(*) > 1;
