"""For auditors: the pack of a month, and the recomputation of a statement from stored inputs."""
