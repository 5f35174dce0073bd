"""One adapter per file; the only rooms that may import a model library."""
