"""Values that searches, grids and trials on this machine chose, in the steps of a plan."""
