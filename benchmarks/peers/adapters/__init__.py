"""One file for each library: its methods as callables that the conformance suite can ask."""
