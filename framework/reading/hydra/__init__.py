"""Hydra's way of making one config of several files."""
