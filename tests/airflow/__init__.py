"""A real Airflow, started by the tests: what its users do to it, and what happens to it."""
