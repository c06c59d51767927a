"""Speed as ratios: both sides are measured in one run, on the same machine, over the same rows."""
