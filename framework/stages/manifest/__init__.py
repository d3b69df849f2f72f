"""Stage manifest: is the statement itself whole and consistent?"""
