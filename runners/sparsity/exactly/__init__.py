"""Masks with an exact number of zeros, for any scores, in bounded memory."""
