"""Whole runs of the settlement command on small landings, right and wrong."""
