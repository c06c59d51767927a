"""Engines run a table's SELECT: one SQL dialect in, an engine's own out."""
