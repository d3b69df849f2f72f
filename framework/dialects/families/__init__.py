"""What dialects of one family share: tables of arguments, and how their values are read."""
