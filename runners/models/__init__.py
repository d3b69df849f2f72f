"""Building, loading and saving models of the families that transformers knows."""
