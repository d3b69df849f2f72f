"""From finished runs to tables and figures: what each declared run gave, over seeds, over sparsity."""
