"""What the saved tensors had to become, worked out a second time from the files alone, without torch and without the
code that made them.
"""
