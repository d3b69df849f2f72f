"""Stage run: did the run that happened do the same?"""
