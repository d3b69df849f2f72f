"""Home-grown configs, and the layouts that programs of any field share: Hydra, sweeps."""
