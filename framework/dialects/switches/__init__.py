"""Keys that make other keys nothing, or another thing: what they are, and how they apply."""
