"""Repairs: a config file is made to state what the manifest states, by changing the value and nothing else."""
