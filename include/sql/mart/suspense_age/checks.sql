-- Checks of mart.suspense_age: each SELECT returns the rows that break it.

-- check: balance_is_carried (fail): the balances add up to what suspense carries on
SELECT a.krw AS balances_krw, s.krw AS carried_out_krw
FROM (SELECT coalesce(sum(balance_krw), 0) AS krw FROM mart.suspense_age WHERE month = :month AND version = :version) AS a
CROSS JOIN (
  SELECT coalesce(sum(carried_out_krw), 0) AS krw
  FROM mart.statement
  WHERE month = :month AND version = :version AND partner_id = 0
) AS s
WHERE a.krw <> s.krw;

-- check: ages_follow (fail): a month's balance is that of the month before with its royalty and deltas; this month has one
SELECT coalesce(a.origin_month, e.origin_month) AS origin_month, e.balance_krw AS expected_krw, a.balance_krw
FROM (SELECT origin_month, balance_krw FROM mart.suspense_age WHERE month = :month AND version = :version) AS a
FULL JOIN (
  SELECT origin_month, sum(balance_krw) AS balance_krw
  FROM (
    SELECT origin_month, balance_krw FROM mart.suspense_age WHERE month = :previous_month
    UNION ALL
    SELECT month AS origin_month, royalty_krw AS balance_krw
    FROM mart.statement_royalty
    WHERE month = :month AND version = :version AND partner_id = 0
    UNION ALL
    SELECT settled_month AS origin_month, delta_krw AS balance_krw
    FROM mart.adjustment
    WHERE month = :month AND version = :version AND partner_id = 0
    UNION ALL
    SELECT :month AS origin_month, 0 AS balance_krw
  ) AS parts
  GROUP BY origin_month
) AS e ON e.origin_month = a.origin_month
WHERE a.origin_month IS NULL OR e.origin_month IS NULL OR a.balance_krw <> e.balance_krw;

-- check: origin_known (fail): money comes from this month or one before
SELECT origin_month, balance_krw
FROM mart.suspense_age
WHERE month = :month AND version = :version AND origin_month > :month;
