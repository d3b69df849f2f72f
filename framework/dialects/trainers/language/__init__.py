"""Trainers of language models with config files or flags of their own."""
