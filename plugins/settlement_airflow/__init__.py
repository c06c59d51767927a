"""How Airflow runs the settlement: operators, triggers, timetables and listeners over the `settlement` package."""
