"""The experiment for a paper's source: a macro for each clause and each result, and tables ready for `\\input`."""
