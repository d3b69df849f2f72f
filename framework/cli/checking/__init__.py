"""What makes `framework check` quick to answer: kept answers, late imports, and looking again."""
