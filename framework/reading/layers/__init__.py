"""One config laid over another, each value at the place where it truly stands."""
