"""Corpora from the hub, from local files and built in, behind one interface; tokenizing; fingerprints."""
