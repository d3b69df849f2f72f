"""The runs as they stand at this moment: how far those at work are, and which nothing demands."""
