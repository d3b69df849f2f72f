"""Documents that people write and read: their lists, tables and commands, each value with its place."""
