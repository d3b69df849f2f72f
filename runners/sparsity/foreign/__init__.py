"""Masks as other programs store them, and how they become this project's."""
