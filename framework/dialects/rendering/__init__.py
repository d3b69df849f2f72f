"""Dialects in reverse: what a manifest says of one step, in the words of a trainer's config."""
