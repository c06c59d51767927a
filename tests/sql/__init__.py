"""The SQL under include/sql against figures worked out by hand from the rules: rows in, rows out, no Python per case."""
