"""The names of variants, as files and scripts of the project spell them."""
