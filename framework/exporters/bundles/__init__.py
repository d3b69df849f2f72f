"""Bundles: what belongs to a study, as an RO-Crate."""
