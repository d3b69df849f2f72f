"""The dialects, one file each, in folders by whom they serve: a constant `DIALECT`. To add one is to add a file."""
