"""File, folder or arrays to a pool."""
