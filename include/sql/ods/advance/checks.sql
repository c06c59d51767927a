-- Checks of ods.advance: each SELECT returns the rows that break it.

-- check: rows_kept (fail): every landed row is kept
SELECT landed, kept
FROM (SELECT count(*) AS landed FROM raw.advance WHERE dt = :dt) AS l
CROSS JOIN (SELECT count(*) AS kept FROM ods.advance WHERE dt = :dt) AS k
WHERE landed <> kept;
