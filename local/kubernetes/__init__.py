"""A real one-node Kubernetes on this machine, without docker: for tests and for looking at audits in pods."""
