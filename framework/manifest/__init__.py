"""The statement: experiment.yaml, loaded with the place of every value, as clauses."""
