-- Checks of mart.month_right: each SELECT returns the rows that break it.

-- check: within_month (fail): a share lies within the month
SELECT track_id, right_type, partner_id, from_day, to_day
FROM mart.month_right
WHERE month = :month AND version = :version
  AND (from_day > to_day OR from_day < EPOCH_DAY(:first_day) OR to_day > EPOCH_DAY(:last_day));
