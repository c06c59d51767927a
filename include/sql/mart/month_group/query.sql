-- The two groups of each pool with plays (rules §5): P_uc = floor(P × W_uc / W), P_pr = P − P_uc. Grain: product_id, right_type.
WITH weights AS (
  SELECT product_id, right_type, sum(weight) AS weight, sum(uc_weight) AS uc_weight
  FROM mart.month_weight
  WHERE month = :month AND version = :version
  GROUP BY product_id, right_type
), divided AS (
  SELECT
    p.product_id, p.right_type, p.service, w.weight, w.uc_weight,
    MUL(p.pool_krw, 1000000) AS pool_uwon,
    FLOOR_DIV(MUL(MUL(p.pool_krw, 1000000), w.uc_weight), w.weight) AS uc_pool_uwon
  FROM mart.pool AS p
  INNER JOIN weights AS w ON w.product_id = p.product_id AND w.right_type = p.right_type
  WHERE p.month = :month AND p.version = :version
)
SELECT
  CAST(product_id AS STRING) AS product_id,
  CAST(right_type AS STRING) AS right_type,
  CAST(service AS STRING) AS service,
  CAST(pool_uwon AS DECIMAL(38, 0)) AS pool_uwon,
  CAST(weight AS DECIMAL(38, 0)) AS weight,
  CAST(uc_weight AS DECIMAL(38, 0)) AS uc_weight,
  CAST(uc_pool_uwon AS DECIMAL(38, 0)) AS uc_pool_uwon,
  CAST(pool_uwon - uc_pool_uwon AS DECIMAL(38, 0)) AS pr_pool_uwon
FROM divided
