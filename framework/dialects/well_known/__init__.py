"""Facts that papers state about their own kind of training, by the names that the field and its trainers give them."""
