"""Torch's randomness taken from a generator, and the global random state put back."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

__all__ = ["seed_of", "seeded"]


def seed_of(rng: np.random.Generator) -> int:
    """The integer that a scope of `seeded` draws of its generator.

    Examples
    --------
    >>> seed_of(np.random.default_rng(0)) == seed_of(np.random.default_rng(0))
    True
    """
    return int(rng.integers(2**32))


@contextmanager
def seeded(rng: np.random.Generator, device: torch.device) -> Iterator[None]:
    """Within this scope, everything random in torch, NumPy and Python follows from the generator.

    Parameters
    ----------
    rng : numpy.random.Generator
        One integer is drawn, since torch takes no generator.
    device : torch.device
        Its generator is seeded and restored too, where it is a CUDA device.

    Notes
    -----
    Afterwards the global states of torch (CPU and this device), NumPy and Python are what they were,
    also when the scope ends with an error. Other CUDA devices are not touched.

    Examples
    --------
    >>> before = torch.get_rng_state()
    >>> with seeded(np.random.default_rng(0), torch.device("cpu")):
    ...     first = torch.rand(2)
    >>> with seeded(np.random.default_rng(0), torch.device("cpu")):
    ...     second = torch.rand(2)
    >>> torch.equal(first, second), torch.equal(before, torch.get_rng_state())
    (True, True)
    """
    number = seed_of(rng)
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(number)
        for one in devices:
            with torch.cuda.device(one):
                torch.cuda.manual_seed(number)
        random.seed(number)
        np.random.seed(number)  # noqa: NPY002
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(legacy)  # noqa: NPY002
