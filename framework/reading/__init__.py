"""Files with positions, as their own consumers read them; what a value means is not known here."""
