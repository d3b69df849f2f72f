"""A run's record held to itself and to the files beside it: what is stated twice must be the same."""
