"""Evidence to tables, statistics and documents."""
