"""What computes answers: DuckDB over the builds' files, or Trino over the tables of builds."""
