"""Speed and memory of kernels against plain references: ``python -m benchmarks [name ...]``."""

import os

# One thread, said before NumPy is loaded: its libraries read these once.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_variable] = "1"
