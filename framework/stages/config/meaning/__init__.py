"""Which clause of the manifest each key of a config file is about, and what it demands there."""
