"""YAML, by the line where a file is plain and by the parser's events where it is not."""
