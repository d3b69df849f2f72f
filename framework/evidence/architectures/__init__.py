"""What the tensors of a checkpoint are, by architecture: weights, embeddings, heads, buffers, and how they lie."""
