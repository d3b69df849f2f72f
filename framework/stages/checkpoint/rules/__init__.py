"""Rule families of the checkpoint stage, one file each."""
