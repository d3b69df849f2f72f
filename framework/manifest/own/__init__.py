"""What a variant states in the place of what the manifest has for all."""
