"""What `framework check` says, in the words of whoever reads it: people, editors, code hosts and test reporters."""
