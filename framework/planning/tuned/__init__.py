"""Values that searches chose, in the steps of a plan."""
