"""Operators: gates, stages, approval, reports."""
