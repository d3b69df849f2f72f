"""Seals: who states, by an SSH key, which records lay there when; what else tells the time; and what changed since."""
