"""Stage plan: would the runs that would be started do the same?"""
