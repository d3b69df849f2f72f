"""Prepared data in the user's cache folder: written once, memory-mapped by everybody after."""
