"""Files in which other programs keep many runs: read as data, without a lock, and without these programs."""
