"""When days and months run."""
