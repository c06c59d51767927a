-- Checks of ods.play: each SELECT returns the rows that break it.

-- check: lines_kept (fail): every landed row is kept
SELECT landed, kept
FROM (SELECT count(*) AS landed FROM raw.play WHERE dt = :dt) AS l
CROSS JOIN (SELECT count(*) AS kept FROM ods.play WHERE dt = :dt) AS k
WHERE landed <> kept;

-- check: known_bucket (fail): a bucket is one of the nine
SELECT file, row_no, bucket
FROM ods.play
WHERE dt = :dt AND bucket NOT IN (
    'malformed', 'future', 'duplicate', 'too_late', 'unknown_product', 'abuse_flag', 'too_short', 'over_cap', 'qualified'
  );

-- check: id_qualifies_once (fail): a play_id qualifies once in a folder
SELECT play_id, count(*) AS times
FROM ods.play
WHERE dt = :dt AND bucket = 'qualified'
GROUP BY play_id
HAVING count(*) > 1;

-- check: service_rule_known (fail): a play that gets as far as its length finds a rule of its product's service on the day
SELECT
  p.product_id,
  d.service,
  count(*) AS plays
FROM ods.play AS p
INNER JOIN ods.product AS d ON d.dt = :dt AND d.product_id = p.product_id
LEFT JOIN ref.service_rule AS r
  ON r.service = d.service AND r.valid_from <= :dt AND (r.valid_to = '' OR :dt <= r.valid_to)
WHERE p.dt = :dt AND p.bucket IN ('too_short', 'over_cap', 'qualified') AND r.service IS NULL
GROUP BY p.product_id, d.service;
