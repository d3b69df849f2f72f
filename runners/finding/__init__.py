"""What is found out by trying, and is a fact of this machine and not of the paper."""
