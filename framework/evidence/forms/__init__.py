"""One weight in the forms in which checkpoints store it: plain, behind a bitmask, pruned by torch, expert by expert."""
