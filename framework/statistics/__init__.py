"""Statistics of results over seeds and tasks. Each module needs the extra `reports` (scipy)."""
