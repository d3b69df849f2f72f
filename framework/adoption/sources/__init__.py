"""What other programs leave of a finished run, one module for each."""
