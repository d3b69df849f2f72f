"""What the section classes say of themselves, for the schema, the reference and messages."""
