"""Who owns a file: package databases of a root, read as data."""
