-- Copies among the lines of landing folder :dt (rules §2.3). Grain: file, row_no.
-- A line is a copy when its play_id stands on a readable line (neither malformed nor future) of the 30 folders before,
-- or when an earlier line of the folder, by (instant, raw line), carries it.
WITH todays_ids AS (
  SELECT play_id, count(*) AS times
  FROM raw.play
  WHERE dt = :dt
  GROUP BY play_id
), suspects AS (
  SELECT t.play_id, count(e.play_id) AS earlier
  FROM todays_ids AS t
  LEFT JOIN raw.play AS e
    ON e.play_id = t.play_id
      AND e.dt BETWEEN DAY_TEXT(EPOCH_DAY(:dt) - 30) AND DAY_TEXT(EPOCH_DAY(:dt) - 1)
      AND e.well_formed AND e.kst_day <= EPOCH_DAY(e.dt)
  WHERE t.times > 1 OR e.play_id IS NOT NULL
  GROUP BY t.play_id
), ranked AS (
  SELECT
    p.file,
    p.row_no,
    s.earlier,
    row_number() OVER (PARTITION BY p.play_id ORDER BY p.instant_us, p.line, p.file, p.row_no) AS copy
  FROM raw.play AS p
  INNER JOIN suspects AS s ON s.play_id = p.play_id
  WHERE p.dt = :dt AND p.well_formed AND p.kst_day <= EPOCH_DAY(:dt)
)
SELECT
  CAST(file AS STRING) AS file,
  CAST(row_no AS BIGINT) AS row_no
FROM ranked
WHERE earlier > 0 OR copy > 1
