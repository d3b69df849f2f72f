"""Stage checkpoint: do the saved tensors say the same?"""
