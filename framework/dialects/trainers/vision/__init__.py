"""Trainers of vision models."""
