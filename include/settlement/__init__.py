"""Royalty settlement, free of Airflow: landing, tables, engines, ledger, audits and reports."""

__version__ = "0.1.0"
