"""Stage config: do the project's config files say the same?"""
