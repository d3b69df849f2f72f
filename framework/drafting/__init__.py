"""A first manifest for a repository that has none: what its config files state, written down with where it stands."""
