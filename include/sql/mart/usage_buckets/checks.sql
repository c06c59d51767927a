-- Checks of mart.usage_buckets: each SELECT returns the rows that break it.

-- check: lines_add_up (fail): lines of the folder = sum of the buckets
SELECT lines, bucketed
FROM (SELECT count(*) AS lines FROM ods.play WHERE dt = :dt) AS l
CROSS JOIN (SELECT coalesce(sum(`rows`), 0) AS bucketed FROM mart.usage_buckets WHERE dt = :dt) AS b
WHERE lines <> bucketed;
