"""What the built-in training refuses before anything starts: by the clause's name, with the way out."""
