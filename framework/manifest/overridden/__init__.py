"""Values that the command line puts in the place of what the manifest states."""
