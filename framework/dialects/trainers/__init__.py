"""The dialects, one file each, all of one shape: a constant `DIALECT`. To add one is to add a file."""
