"""One method per file: the function on arrays, then the class that names its signals."""
