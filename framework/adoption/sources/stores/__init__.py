"""Files that hold many runs: databases, and journals of them."""
