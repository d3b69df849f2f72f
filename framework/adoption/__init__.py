"""Finished runs of other programs, taken in as evidence of planned steps."""
