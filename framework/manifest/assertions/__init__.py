"""What claims assert: comparisons of arithmetic over results."""
