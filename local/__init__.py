"""Real servers on one machine: what `make run`, `make up` and the tests start."""
