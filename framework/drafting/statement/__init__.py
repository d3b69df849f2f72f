"""What the user says is the statement: read from the file that names it, and put in the place of what files say."""
