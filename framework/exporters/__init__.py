"""Configs for trainers that run elsewhere: what a manifest says of its runs, in a file for each training."""
