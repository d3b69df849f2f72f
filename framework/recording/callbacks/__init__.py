"""Recordings as the callbacks and trackers of training libraries, which the script has imported and this has not."""
