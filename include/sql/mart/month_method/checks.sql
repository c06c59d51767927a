-- Checks of mart.month_method: each SELECT returns the rows that break it.

-- check: within_month (fail): a contract lies within the month
SELECT partner_id, right_type, service, from_day, to_day
FROM mart.month_method
WHERE month = :month AND version = :version
  AND (from_day > to_day OR from_day < EPOCH_DAY(:first_day) OR to_day > EPOCH_DAY(:last_day));

-- check: one_method_a_day (fail): no two user-centric contracts of a partner, right type and service share a day
SELECT a.partner_id, a.right_type, a.service, a.from_day, b.from_day AS other_from_day
FROM mart.month_method AS a
INNER JOIN mart.month_method AS b
  ON b.month = :month AND b.version = :version AND b.partner_id = a.partner_id AND b.right_type = a.right_type
    AND b.service = a.service AND a.from_day < b.from_day AND b.from_day <= a.to_day
WHERE a.month = :month AND a.version = :version;
