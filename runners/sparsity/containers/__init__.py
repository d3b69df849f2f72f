"""What mask files are written as, one file per container."""
