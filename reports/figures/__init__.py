"""The figures of a study: one module for each kind, one colour for each variant in all of them."""
