"""Types and bounds of what evidence holds."""
