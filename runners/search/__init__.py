"""Searches, executed: proposals, their trials as runs, and the study that keeps both."""
