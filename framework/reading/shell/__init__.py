"""Shell scripts: assignments, flags and overrides, read and never run."""
