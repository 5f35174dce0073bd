"""Inner loops of exact selection, compiled with Numba; loaded on the first large pool."""
