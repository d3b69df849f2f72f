"""What other trainers record while they train, read as evidence: one file per format, all of one shape."""
