"""What commands show to people: messages, findings, bars and boards."""
