"""Files that are read once, from the first byte to the last, for all that is asked of them."""
