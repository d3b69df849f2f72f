"""Files beside a script: those that it takes in, those that it writes, and the texts that it gives to commands."""
