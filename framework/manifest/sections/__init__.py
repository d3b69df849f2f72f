"""The sections of experiment.yaml, one module each, as pydantic models."""
