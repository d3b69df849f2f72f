"""Scripts that record themselves: the evidence that the built-in training writes, from any training code."""
