"""Arrays in, arrays out; knows nothing of pools or models."""
