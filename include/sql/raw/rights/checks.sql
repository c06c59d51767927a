-- Checks of raw.rights: each SELECT returns the rows that break it.

-- check: shares_within_whole (fail): shares of a track and right type sum to at most 1000000 ppm on any day
SELECT file, row_no, track_id, right_type, valid_from AS from_day, total_ppm
FROM (
  SELECT
    file, row_no, track_id, right_type, valid_from, change_ppm,
    sum(change_ppm) OVER (
      PARTITION BY CAST(track_id AS BIGINT), right_type ORDER BY day, change_ppm, row_no
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS total_ppm
  FROM (
    SELECT file, row_no, track_id, right_type, valid_from, EPOCH_DAY(valid_from) AS day, CAST(share_ppm AS BIGINT) AS change_ppm
    FROM raw.rights
    WHERE dt = :dt
    UNION ALL
    SELECT
      file, row_no, track_id, right_type, valid_from, EPOCH_DAY(valid_to) + 1 AS day, -CAST(share_ppm AS BIGINT) AS change_ppm
    FROM raw.rights
    WHERE dt = :dt AND valid_to <> ''
  ) AS changes
) AS running
WHERE total_ppm > 1000000 AND change_ppm > 0;

-- check: rights_overlap (fail): rows of one track, right type and partner do not overlap
SELECT file, row_no, track_id, right_type, partner_id, valid_from, valid_to, last_before
FROM (
  SELECT
    file, row_no, track_id, right_type, partner_id, valid_from, valid_to,
    max(CASE WHEN valid_to = '' THEN '9999-12-31' ELSE valid_to END) OVER (
      PARTITION BY CAST(track_id AS BIGINT), right_type, CAST(partner_id AS BIGINT)
      ORDER BY valid_from, row_no ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS last_before
  FROM raw.rights
  WHERE dt = :dt
) AS ordered
WHERE valid_from <= last_before;

-- check: partner_known (fail): a partner stands in the snapshot of partners
SELECT x.file, x.row_no, x.partner_id
FROM raw.rights AS x
LEFT JOIN raw.partner AS p ON p.dt = :dt AND CAST(p.partner_id AS BIGINT) = CAST(x.partner_id AS BIGINT)
WHERE x.dt = :dt AND p.partner_id IS NULL;
