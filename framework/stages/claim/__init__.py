"""Stage claim: do the results support what the paper says?"""
