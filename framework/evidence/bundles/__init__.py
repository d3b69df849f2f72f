"""Bundles: a whole study in one ZIP, opened with care and held without anything beside it."""
