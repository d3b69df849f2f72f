"""Rule families of the run stage, one file each."""
