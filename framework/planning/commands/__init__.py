"""Steps that a script of the user's own trains: from the manifest's values to an argument list and config files."""
