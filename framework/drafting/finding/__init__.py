"""The config files of a repository: which files may be one, and what in them is a setting."""
