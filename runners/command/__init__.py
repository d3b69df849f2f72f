"""Phases that a command of the user's own trains: started without a shell, its outputs read back as evidence."""
