"""Trials of searches that other tools made: tables, Optuna's storages, Ray Tune's results."""
