"""From the manifest to what would be executed: the graph of steps, what makes two of them one, and what they cost."""
