-- Checks of raw.play: each SELECT returns the rows that break it.

-- check: unknown_fields (warn): plays carry fields that the contract does not know
SELECT file, count(*) AS plays, sum(unknown_fields) AS unknown_fields
FROM raw.play
WHERE dt = :dt AND unknown_fields > 0
GROUP BY file;
