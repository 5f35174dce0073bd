"""The command line: one command per file, each a thin call into the library."""
