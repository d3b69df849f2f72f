"""The local files that decide a step's result, by their content: models, tokenizers, datasets, a script's own files."""
