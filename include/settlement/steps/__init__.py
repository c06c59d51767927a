"""The three tasks of every stage: build, audit, publish. Each is safe to run again at any time."""
