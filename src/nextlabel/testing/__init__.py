"""The contract tests, shipped, so that other packages can run them on their own classes."""
