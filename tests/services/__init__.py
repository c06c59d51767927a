"""The real servers of the profile `services`: they start, work together, and are put right when one is lost."""
