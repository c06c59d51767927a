-- The month's lines by hand, in DuckDB's own words and in one statement: what the tables' queries are measured against.
WITH days AS (
  SELECT CAST(dt AS DATE) AS day, product_id, track_id, sum(qualified_plays) AS plays
  FROM mart.usage_daily
  WHERE qualified_plays > 0
  GROUP BY ALL
), known AS (
  SELECT r.* FROM ods.rights AS r SEMI JOIN ods.track AS t ON t.track_id = r.track_id
  WHERE r.share_ppm > 0
), held AS (
  SELECT
    d.product_id, p.right_type, d.track_id, d.day, d.plays, k.partner_id, coalesce(k.share_ppm, 0) AS share_ppm
  FROM days AS d
  INNER JOIN mart.pool AS p ON p.product_id = d.product_id
  LEFT JOIN known AS k
    ON k.track_id = d.track_id AND k.right_type = p.right_type
    AND CAST(k.valid_from AS DATE) <= d.day AND (k.valid_to = '' OR d.day <= CAST(nullif(k.valid_to, '') AS DATE))
), rest AS (
  SELECT product_id, right_type, track_id, day, any_value(plays) AS plays, 0 AS partner_id, 1000000 - sum(share_ppm) AS share_ppm
  FROM held
  GROUP BY product_id, right_type, track_id, day
  HAVING sum(share_ppm) < 1000000
), weights AS (
  SELECT
    product_id, right_type, track_id, partner_id, sum(plays) AS plays,
    sum(CAST(plays AS HUGEINT) * share_ppm) AS weight
  FROM (
    SELECT product_id, right_type, track_id, partner_id, plays, share_ppm FROM held WHERE partner_id IS NOT NULL
    UNION ALL
    SELECT product_id, right_type, track_id, partner_id, plays, share_ppm FROM rest
  )
  GROUP BY ALL
), amounts AS (
  SELECT
    w.*, CAST(p.pool_krw AS HUGEINT) * 1000000 AS pool_uwon,
    (CAST(p.pool_krw AS HUGEINT) * 1000000 * w.weight) // sum(w.weight) OVER (PARTITION BY w.product_id, w.right_type) AS uwon
  FROM weights AS w
  INNER JOIN mart.pool AS p ON p.product_id = w.product_id AND p.right_type = w.right_type
), rounded AS (
  SELECT product_id, right_type, any_value(pool_uwon) - sum(uwon) AS uwon
  FROM amounts
  GROUP BY product_id, right_type
), lines AS (
  SELECT product_id, track_id, right_type, partner_id, if(partner_id = 0, 'unmatched', 'royalty') AS kind, plays, weight, uwon
  FROM amounts
  UNION ALL
  SELECT product_id, 0, right_type, 0, 'rounding', 0, 0, uwon FROM rounded WHERE uwon <> 0
  UNION ALL
  SELECT product_id, 0, right_type, 0, 'no_plays', 0, 0, CAST(pool_krw AS HUGEINT) * 1000000
  FROM mart.pool ANTI JOIN rounded USING (product_id, right_type)
)
SELECT
  product_id, CAST(track_id AS BIGINT) AS track_id, right_type, CAST(partner_id AS BIGINT) AS partner_id, kind,
  CAST(plays AS BIGINT) AS plays, CAST(weight AS DECIMAL(38,0)) AS weight,
  CAST(uwon AS DECIMAL(38,0)) AS amount_uwon, CAST(uwon AS DECIMAL(38,0)) AS pro_rata_uwon
FROM lines
