"""Audits: an engine of their own reads a candidate and says what is wrong with it."""
