"""Commands that show how it stands, and change nothing but what `gc --remove` is asked to remove."""
