"""Hooks: a step as a process; what Airflow itself knows: its audit log, the question that it shows."""
