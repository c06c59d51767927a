-- Checks of mart.posting: each SELECT returns the rows that break it.

-- check: versions_follow (fail): a restatement corrects an earlier month, from a version to a later one
SELECT settled_month, version_from, version_to, reason
FROM mart.posting
WHERE month = :month AND version = :version AND NOT (settled_month < :month AND version_from < version_to AND reason <> '');
