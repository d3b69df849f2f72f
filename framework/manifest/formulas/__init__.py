"""Formulas over other clauses: their small language, and what follows from them."""
