-- Deltas of the restatements posted into :month (rules §8): royalty_krw(new) − royalty_krw(old), no row for 0.
-- Grain: settled_month, version_to, partner_id, product_id, right_type.
WITH parts AS (
  SELECT
    p.settled_month, p.version_from, p.version_to, p.reason, r.partner_id, r.product_id, r.right_type,
    CASE WHEN r.version = p.version_to THEN r.royalty_krw ELSE -r.royalty_krw END AS part_krw
  FROM mart.posting AS p
  INNER JOIN mart.statement_royalty AS r
    ON r.month = p.settled_month AND (r.version = p.version_to OR r.version = p.version_from)
  WHERE p.month = :month AND p.version = :version
)
SELECT
  CAST(:month AS STRING) AS posted_month,
  CAST(settled_month AS STRING) AS settled_month,
  CAST(version_from AS BIGINT) AS version_from,
  CAST(version_to AS BIGINT) AS version_to,
  CAST(partner_id AS BIGINT) AS partner_id,
  CAST(product_id AS STRING) AS product_id,
  CAST(right_type AS STRING) AS right_type,
  CAST(sum(part_krw) AS BIGINT) AS delta_krw,
  CAST(max(reason) AS STRING) AS reason
FROM parts
GROUP BY settled_month, version_from, version_to, partner_id, product_id, right_type
HAVING sum(part_krw) <> 0
