"""The versions of packages that the project's requirement files ask for."""
