"""`framework lsp`: drift as it is typed, in any editor that speaks the Language Server Protocol."""
