"""What a run had to do, worked out a second time from the manifest alone: none of the code that trains is used here."""
