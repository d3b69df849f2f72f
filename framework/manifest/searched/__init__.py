"""What searches state: which values can come, of which steps, and what a point makes of a phase."""
