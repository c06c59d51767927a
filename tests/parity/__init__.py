"""The same SELECT on DuckDB, Hive and Trino: the same rows, by real servers."""
