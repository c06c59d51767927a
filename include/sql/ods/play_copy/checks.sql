-- Checks of ods.play_copy: each SELECT returns the rows that break it.

-- check: copies_landed (fail): a copy is a well-formed line of the folder
SELECT c.file, c.row_no
FROM ods.play_copy AS c
LEFT JOIN raw.play AS p ON p.dt = :dt AND p.file = c.file AND p.row_no = c.row_no AND p.well_formed
WHERE c.dt = :dt AND p.row_no IS NULL AND c.file IS NOT NULL AND c.row_no IS NOT NULL;
