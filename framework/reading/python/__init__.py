"""Python files: the literals that a program starts from, parsed and never imported."""
