"""Faults with real processes: killed at one exact call, two at once, a disk that fills up."""
