"""Kinds of values that a paper states: quantities, lengths, batches, patterns, settings of its own."""
