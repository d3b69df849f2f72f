"""Rule families of the manifest stage, one file each."""
