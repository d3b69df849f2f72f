"""How each dialect is written, one file each, all of one shape: a function `write(sheet)`. To add one is to add a file.

A writer says each fact that its trainer has a word for with exactly the manifest's meaning, and refuses, with the
reason, those that the trainer would take for something else. What it neither says nor refuses it has no key for.
"""
