"""Where randomness comes from: one seed, and independent streams named by a path of numbers."""

from collections.abc import Sequence

import numpy as np

from nextlabel.errors import ParameterError

__all__ = ["generator"]


def generator(seed: int, *path: int) -> np.random.Generator:
    """The generator of a seed, or of an independent stream under it.

    Parameters
    ----------
    seed : int
        Zero or larger.
    *path : int
        Names a stream: for example a round, or a purpose and a round. Equal paths give equal streams.

    Returns
    -------
    numpy.random.Generator

    Raises
    ------
    ParameterError
        The seed, or a part of the path, is not a whole number from zero up.

    Examples
    --------
    >>> generator(0, 3).integers(10) == generator(0, 3).integers(10)
    np.True_
    """
    entropy: Sequence[int] = (seed, *path)
    for part in entropy:
        if isinstance(part, bool) or not isinstance(part, int | np.integer) or part < 0:
            message = (
                f"A seed must be a whole number from zero up; received {part!r}. Pass for example seed=0."
            )
            raise ParameterError(message)
    # one more than each part of the path: NumPy pads entropy with zeros, so [5] and [5, 0] are one stream
    return np.random.default_rng([int(seed), *(int(part) + 1 for part in path)])
