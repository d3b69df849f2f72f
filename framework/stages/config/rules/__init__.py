"""Rule families of the config stage, one file each."""
