"""The seven stages of conformance, one room each, in the order in which a statement becomes a result."""
