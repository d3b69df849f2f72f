"""What the keys of a known trainer's config state: one file per dialect, below `trainers`."""
