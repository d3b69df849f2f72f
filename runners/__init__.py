"""What executes a plan: everything that needs torch lives below this package."""
