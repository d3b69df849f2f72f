"""What searches found: their studies as evidence, which trial is taken, and the values that production has."""
