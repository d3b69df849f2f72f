"""Stage document: do the rendered documents still say the same?"""
