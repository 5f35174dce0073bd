"""Speed and memory of kernels against plain references: ``python -m benchmarks [name ...]``."""
