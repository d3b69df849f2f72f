"""What reading files told, for as long as they stay as they were: kept in the cache folder, never beside the files."""
