"""The DAGs and the plugin as Airflow sees them, without a server."""
