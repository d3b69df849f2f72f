"""Validation during a training, and when it ends one."""
