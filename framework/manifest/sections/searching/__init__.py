"""The sections of a search."""
