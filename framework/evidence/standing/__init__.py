"""How it stands with a run: who executes it at this moment, and what state it is in."""
