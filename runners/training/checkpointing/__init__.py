"""Checkpoints within a training: what they hold, when they are made, and how a training goes on from one."""
