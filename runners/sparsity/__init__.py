"""Scores, exact masks, mask files, and which weights belong to one channel."""
