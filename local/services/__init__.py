"""Real servers on this machine for the profile `services`: PostgreSQL, S3, Hive, Trino and an AWS endpoint, without docker."""
